import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { HeraklitError, isHeraklitError } from '../base/index.ts';
import { type Descriptor, type Digest, digestOf, MediaType } from '../oci/index.ts';
import {
  type AttachedBlob,
  type Attachment,
  attestationAttachment,
  attestationTagAttachment,
  bundleAttachment,
  signatureAttachment,
  signStatement,
} from './attachment.ts';
import { envelopeOfBundle } from './bundle.ts';
import { demandEvidence } from './demand.ts';
import { DSSE_ENVELOPE, preAuthEncoding, readEnvelope, signEnvelope } from './dsse.ts';
import { collectEvidence, type EvidenceSource, MAX_EVIDENCE_BYTES } from './evidence.ts';
import { privateKeySigner, type Signer } from './key.ts';
import { PREDICATES, predicateName, predicateType } from './predicates.ts';
import { provenancePredicate } from './provenance.ts';
import { parseSimpleSigning } from './simple-signing.ts';
import { parseStatement, type Statement, statementOf } from './statement.ts';
import { testResultPredicate } from './test-result.ts';

const digest = digestOf('image');
const IMAGE: Descriptor = { mediaType: MediaType.manifest, digest, size: 5 };
const OTHER: Descriptor = { ...IMAGE, digest: digestOf('other') };
const REFERENCE = 'registry.example.com/shop/web';
const said = (image: Descriptor, type: string): Statement =>
  statementOf({ name: REFERENCE, digest: image.digest }, type, { result: 'fine' });

const newSigner = (): Promise<Signer> => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKeySigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'test.key', undefined);
};
let ours: Signer;
let theirs: Signer;
before(async () => {
  [ours, theirs] = await Promise.all([newSigner(), newSigner()]);
});

/** A repository that holds what was attached; later tags replace earlier ones. */
function holding(...attachments: readonly Attachment[]): EvidenceSource {
  const blobs = new Map<Digest, Buffer>();
  const put = ({ descriptor, bytes }: AttachedBlob): unknown => blobs.set(descriptor.digest, bytes);
  for (const { manifest, blobs: made } of attachments) [manifest, ...made].forEach(put);
  const read = (wanted: Digest, limit: number): Buffer => {
    const bytes = blobs.get(wanted);
    const definition = { kind: 'failed', retryable: false, meaning: '' } as const;
    if (bytes === undefined) throw new HeraklitError('BLOB_MISSING', definition, `${wanted} is missing`);
    if (bytes.length > limit) throw new HeraklitError('ATTESTATION_MALFORMED', definition, 'too long');
    return bytes;
  };
  return {
    async tagged(tag) {
      const found = attachments.findLast((one) => one.tag === tag)?.manifest;
      return found === undefined ? undefined : { digest: found.descriptor.digest, bytes: found.bytes };
    },
    manifest: async (descriptor, limit) => read(descriptor.digest, limit),
    blob: async (wanted, limit) => read(wanted, limit),
    referrers: async (subject) =>
      attachments.filter((one) => one.subject === subject).map(({ manifest }) => manifest.descriptor),
  };
}

test('a signature and statements are found once each, by tag and by referrer', async () => {
  const signature = await signatureAttachment(ours, { reference: REFERENCE, subject: IMAGE });
  const statements = [
    await signStatement(ours, said(IMAGE, PREDICATES.cyclonedx)),
    await signStatement(ours, said(IMAGE, PREDICATES.slsaprovenance1)),
  ];
  const referrer = attestationAttachment(ours, IMAGE, statements);
  const tagged = attestationTagAttachment(
    digest,
    statements.map(({ descriptor }) => descriptor),
  );
  for (const source of [holding(signature, referrer, tagged), holding(signature, referrer)]) {
    const { evidence, refused } = await collectEvidence(source, digest, [theirs.key, ours.key]);
    assert.deepEqual(refused, []);
    assert.deepEqual(
      evidence
        .map((one) => (one.kind === 'signature' ? one.reference : predicateName(one.statement.predicateType)))
        .sort(),
      ['cyclonedx', REFERENCE, 'slsaprovenance1'],
    );
    assert.ok(evidence.every(({ keys }) => keys.length === 1 && keys[0]?.id === ours.key.id));
  }
});

test('statements in sigstore bundles count the same', async () => {
  const statement = await signStatement(ours, said(IMAGE, PREDICATES.custom));
  const { evidence } = await collectEvidence(holding(bundleAttachment(ours, IMAGE, statement)), digest, [ours.key]);
  assert.deepEqual(
    evidence.map(({ kind }) => kind),
    ['attestation'],
  );
});

test('what another key made counts for nothing, and says so', async () => {
  const source = holding(
    await signatureAttachment(theirs, { reference: REFERENCE, subject: IMAGE }),
    attestationAttachment(theirs, IMAGE, [await signStatement(theirs, said(IMAGE, PREDICATES.custom))]),
  );
  const collected = await collectEvidence(source, digest, [ours.key]);
  assert.deepEqual(collected.evidence, []);
  assert.ok(collected.refused.every(({ reason }) => reason === 'no trusted key signed it'));
  const demand = { signature: true, predicateTypes: [PREDICATES.custom] };
  assert.throws(
    () => demandEvidence('web', collected, demand),
    (error) =>
      isHeraklitError(error, 'ATTESTATION_UNVERIFIED') && /no signature and no attestation custom/.test(error.message),
  );
  const rotated = await collectEvidence(source, digest, [ours.key, theirs.key]);
  assert.equal(demandEvidence('web', rotated, demand).length, 2);
});

test('tests that failed are shown, and no reason to accept an image', async () => {
  const type = PREDICATES['test-result'];
  const failed = testResultPredicate({ passed: [], failed: ['a'], configuration: [] });
  const about = statementOf({ name: REFERENCE, digest: IMAGE.digest }, type, failed);
  const one = attestationAttachment(ours, IMAGE, [await signStatement(ours, about)]);
  const collected = await collectEvidence(holding(one), digest, [ours.key]);
  const demand = { signature: false, predicateTypes: [type] };
  assert.throws(
    () => demandEvidence('web', collected, demand),
    (error) => isHeraklitError(error, 'ATTESTATION_UNVERIFIED') && /its tests failed/.test(error.message),
  );
  assert.equal(demandEvidence('web', collected, { ...demand, failedTests: true }).length, 1);
  const again = attestationAttachment(ours, IMAGE, [await signStatement(ours, said(IMAGE, type))]);
  assert.equal(demandEvidence('web', await collectEvidence(holding(one, again), digest, [ours.key]), demand).length, 2);
});

test('a good signature of another image, moved here, counts for nothing', async () => {
  const moved = await signatureAttachment(ours, { reference: REFERENCE, subject: OTHER });
  const statement = await signStatement(ours, said(OTHER, PREDICATES.custom));
  const source = holding({ ...moved, subject: digest }, attestationAttachment(ours, IMAGE, [statement]));
  const { evidence, refused } = await collectEvidence(source, digest, [ours.key]);
  assert.deepEqual(evidence, []);
  assert.equal(refused.length, 2);
  assert.ok(refused.every(({ reason }) => reason.includes('another image')));
});

test('a signature that others made stays when ours is added', async () => {
  const first = await signatureAttachment(theirs, { reference: REFERENCE, subject: IMAGE });
  const second = await signatureAttachment(ours, { reference: REFERENCE, subject: IMAGE }, first.names.slice(1));
  const { evidence } = await collectEvidence(holding(first, second), digest, [ours.key, theirs.key]);
  assert.deepEqual(
    evidence.map(({ kind }) => kind),
    ['signature', 'signature'],
  );
});

test('one that is broken hinders none of the others', async () => {
  const good = await signatureAttachment(ours, { reference: REFERENCE, subject: IMAGE });
  const statement = await signStatement(ours, said(IMAGE, PREDICATES.custom));
  const lost: Attachment = { ...attestationAttachment(ours, IMAGE, [statement]), blobs: [] };
  const bytes = Buffer.from('{');
  const noJson = { ...statement, bytes, descriptor: { ...statement.descriptor, digest: digestOf(bytes), size: 1 } };
  const garbage = Buffer.from('no manifest');
  const noManifest: Attachment = {
    ...lost,
    manifest: { bytes: garbage, descriptor: { ...lost.manifest.descriptor, digest: digestOf(garbage) } },
  };
  const { evidence, refused } = await collectEvidence(
    holding(noManifest, lost, attestationAttachment(ours, IMAGE, [noJson]), good),
    digest,
    [ours.key],
  );
  assert.equal(evidence.length, 1);
  assert.equal(refused.length, 3);
});

test('a layer is read no further than its manifest says, nor beyond the limit', async () => {
  const statement = await signStatement(ours, said(IMAGE, PREDICATES.custom));
  const limits: number[] = [];
  for (const size of [3, Number.MAX_SAFE_INTEGER]) {
    const lying = { ...statement, descriptor: { ...statement.descriptor, size } };
    const source = holding(attestationAttachment(ours, IMAGE, [lying]));
    const blob: EvidenceSource['blob'] = (wanted, limit) => {
      limits.push(limit);
      return source.blob(wanted, limit);
    };
    await collectEvidence({ ...source, blob }, digest, [ours.key]);
  }
  assert.deepEqual(limits, [3, MAX_EVIDENCE_BYTES]);
});

test('an envelope’s type and payload are signed together', async () => {
  // The example of DSSE's protocol.md.
  assert.equal(
    preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString(),
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
  const envelope = await signEnvelope('text/plain', Buffer.from('hello'), ours);
  const statement = await signStatement(ours, said(IMAGE, PREDICATES.custom));
  const bytes = Buffer.from(JSON.stringify(envelope));
  const layer = { mediaType: DSSE_ENVELOPE, digest: digestOf(bytes), size: bytes.length };
  const source = holding(attestationAttachment(ours, IMAGE, [{ ...statement, bytes, descriptor: layer }]));
  const { refused } = await collectEvidence(source, digest, [ours.key]);
  assert.deepEqual(
    refused.map(({ reason }) => reason),
    ['its payload is text/plain'],
  );
});

test('foreign bytes end in a coded error or a value, never in another error', () => {
  const readers = [
    (text: string) => parseStatement(Buffer.from(text)),
    (text: string) => parseSimpleSigning(Buffer.from(text)),
    (text: string) => readEnvelope(JSON.parse(text)),
    (text: string) => envelopeOfBundle(JSON.parse(text)),
  ];
  fc.assert(
    fc.property(fc.json(), (text) => {
      for (const read of readers) {
        try {
          read(text);
        } catch (error) {
          assert.ok(isHeraklitError(error, 'ATTESTATION_MALFORMED'));
        }
      }
    }),
  );
  const malformed = (error: unknown): boolean => isHeraklitError(error, 'ATTESTATION_MALFORMED');
  const envelope = { payloadType: 'a', payload: 'AAAA', signatures: [{ sig: 'AAAA' }] };
  for (const bad of [
    { ...envelope, payload: '<' },
    { ...envelope, signatures: [] },
    { ...envelope, signatures: [null] },
    { ...envelope, signatures: Array.from({ length: 33 }, () => ({ sig: '' })) },
  ]) {
    assert.throws(() => readEnvelope(bad), malformed);
  }
  assert.throws(
    () =>
      parseStatement(Buffer.from('{"_type":"https://in-toto.io/Statement/v1","predicateType":"a","subject":[null]}')),
    malformed,
  );
});

test('predicates have the members their types ask for', () => {
  const change = { package: 'openssl', architecture: 'amd64', from: '1', to: '2' };
  const predicate = provenancePredicate({
    builder: 'https://ci.example.com/heraklit',
    version: '1.0.0',
    image: 'web',
    fleet: 'shop',
    strategy: 'rebase',
    reason: 'the base changed',
    recipe: digest,
    lock: undefined,
    source: digest,
    base: { name: 'base', digest },
    formerBase: OTHER.digest,
    packages: [change],
    advisoriesFixed: ['CVE-2026-1'],
    invocation: 'run-1',
  }) as { buildDefinition: { resolvedDependencies: { name: string }[] }; runDetails: { builder: { id: string } } };
  assert.deepEqual(
    predicate.buildDefinition.resolvedDependencies.map(({ name }) => name),
    ['recipe', 'base', 'former base', 'the image it was made from'],
  );
  assert.equal(predicate.runDetails.builder.id, 'https://ci.example.com/heraklit');
  assert.equal(
    (testResultPredicate({ passed: ['a'], failed: [], configuration: [] }) as { result: string }).result,
    'PASSED',
  );
  assert.equal(
    (testResultPredicate({ passed: [], failed: ['a'], configuration: [] }) as { result: string }).result,
    'FAILED',
  );
  assert.equal(predicateType('cyclonedx'), 'https://cyclonedx.org/bom');
  assert.equal(predicateName(predicateType('https://example.com/own')), 'https://example.com/own');
});
