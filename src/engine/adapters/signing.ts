import {
  attestationAttachment,
  attestationTag,
  attestationTagAttachment,
  bundleAttachment,
  digestSet,
  KEY_ID,
  PREDICATES,
  provenancePredicate,
  type SignedStatement,
  type Signer,
  signatureAttachment,
  signatureTag,
  signStatement,
  statementOf,
  testResultPredicate,
  type VerifyKey,
} from '../../attestation/index.ts';
import { PATCH_ANNOTATION } from '../../build/index.ts';
import { type ImageContents, inspectImage } from '../../inventory/index.ts';
import { type Descriptor, type Digest, digestOf, serialize } from '../../oci/index.ts';
import { type Attached, attachedUnder, NOTHING_ATTACHED, storeAttachments } from '../../publish/index.ts';
import type { FleetSigning, VerifyChecks } from '../../recipe/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { AttestedBuild, CandidateImage, SigningPort, TestReport } from '../ports.ts';
import { resolvedFrom } from '../workshop/resolved.ts';
import type { Workshop } from '../workshop/workshop.ts';

/** Who signs, and what it says. */
export interface SigningSetup {
  readonly settings: FleetSigning;
  readonly signer: Signer;
  /** Keys whose signature on an image is as good as ours: those before the last rotation. */
  readonly trusted: readonly VerifyKey[];
  /** Of heraklit. */
  readonly version: string;
}

export interface SigningTools {
  readonly workshop: Workshop;
  readonly catalogue: RegistryCatalogue;
  readonly fleet: string;
  /** `host:port` consumers pull from; '' when the registry is not served. */
  readonly registryHost: string;
  /** What an image is tested by. */
  checksOf(image: string): VerifyChecks | undefined;
}

interface Predicate {
  readonly type: string;
  readonly predicate: object;
}

/** Signs what the pipeline makes: statements when an image is built, its signature once it passed its tests. */
export function signingOf(setup: SigningSetup, tools: SigningTools): SigningPort {
  const { signer, settings } = setup;
  const { catalogue, workshop } = tools;
  const own = new Set([signer.key.id, ...setup.trusted.map(({ id }) => id)]);
  const nameOf = (repository: string): string =>
    tools.registryHost === '' ? repository : `${tools.registryHost}/${repository}`;

  const statements = (name: string, digest: Digest, predicates: readonly Predicate[]) =>
    Promise.all(
      predicates.map(({ type, predicate }) => signStatement(signer, statementOf({ name, digest }, type, predicate))),
    );
  const referrers = (subject: Descriptor, signed: readonly SignedStatement[]) => [
    attestationAttachment(signer, subject, signed),
    ...(settings.bundles === true ? signed.map((one) => bundleAttachment(signer, subject, one)) : []),
  ];

  return {
    async attest(build): Promise<Attached> {
      const { built, place } = build;
      const store = await workshop.store();
      const name = nameOf(place.repository);
      const predicates: readonly Predicate[] = [
        { type: PREDICATES.slsaprovenance1, predicate: provenance(build, setup, tools.fleet) },
        ...(await sboms(build, setup, name, store, workshop)),
        ...(built.predicates ?? []),
      ];
      const signed = await statements(name, built.descriptor.digest, predicates);
      const entries = await storeAttachments(store, place.repository, referrers(built.descriptor, signed));
      return { entries, statements: signed.map(({ descriptor }) => descriptor) };
    },
    async sign(candidate, checks, _signal, report): Promise<Attached> {
      const store = await workshop.store();
      const { repository, descriptor: subject, image } = candidate;
      const name = nameOf(repository);
      const before = await attachedUnder(catalogue, store, repository, signatureTag(subject.digest));
      if (own.has(before?.descriptor.annotations?.[KEY_ID] ?? '')) return NOTHING_ATTACHED;
      const run = {
        passed: checks,
        failed: [],
        ...saidBy(tools.checksOf(image), report),
      };
      const tested = await statements(name, subject.digest, [
        { type: PREDICATES['test-result'], predicate: testResultPredicate(run) },
      ]);
      const layers = await layersOfTag(candidate, tested, catalogue, store);
      const entries = await storeAttachments(store, repository, [
        ...referrers(subject, tested),
        attestationTagAttachment(subject.digest, layers),
        await signatureAttachment(signer, { reference: name, subject }, before?.layers),
      ]);
      return { entries, statements: layers };
    },
    async reject({ repository, descriptor: subject, image, statements: made }, tests): Promise<Attached> {
      const store = await workshop.store();
      const { passed, failed, report } = tests;
      const run = { passed, failed, ...saidBy(tools.checksOf(image), report) };
      const tested = await statements(nameOf(repository), subject.digest, [
        { type: PREDICATES['test-result'], predicate: testResultPredicate(run) },
      ]);
      const layers = await layersOfTag({ repository, descriptor: subject, statements: made }, tested, catalogue, store);
      const entries = await storeAttachments(store, repository, [
        ...referrers(subject, tested),
        attestationTagAttachment(subject.digest, layers),
      ]);
      return { entries, statements: layers };
    },
    async signAlone({ repository }, subject): Promise<Attached> {
      const store = await workshop.store();
      const before = await attachedUnder(catalogue, store, repository, signatureTag(subject.digest));
      if (own.has(before?.descriptor.annotations?.[KEY_ID] ?? '')) return NOTHING_ATTACHED;
      const reference = nameOf(repository);
      const signature = await signatureAttachment(signer, { reference, subject }, before?.layers);
      return { entries: await storeAttachments(store, repository, [signature]), statements: [] };
    },
  };
}

/** What stands under the tag already, what was said when it was built, and what its tests say. */
async function layersOfTag(
  { repository, descriptor, statements }: Pick<CandidateImage, 'repository' | 'descriptor' | 'statements'>,
  tested: readonly SignedStatement[],
  catalogue: RegistryCatalogue,
  store: BlobStore,
): Promise<readonly Descriptor[]> {
  const before = await attachedUnder(catalogue, store, repository, attestationTag(descriptor.digest));
  const layers = [...(before?.layers ?? []), ...statements, ...tested.map((one) => one.descriptor)];
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

/** What said what to test, and where all of it is kept. */
const saidBy = (checks: VerifyChecks | undefined, report: TestReport | undefined) => ({
  configuration: configurationOf(checks, report?.configuration),
  ...(report === undefined ? {} : { url: `urn:heraklit:verification:${report.id}`, details: report.details }),
});

/** @param whole digest of the checks with the files they name, where they name any */
function configurationOf(checks: VerifyChecks | undefined, whole: Digest | undefined) {
  if (checks === undefined) return [];
  return [{ name: 'verify', digest: digestSet(whole ?? digestOf(serialize(checks))) }];
}

function provenance({ built, request, place, run }: AttestedBuild, setup: SigningSetup, fleet: string): object {
  const { image, previous, previousBaseDigest } = request;
  const moved = built.strategy === 'rebase';
  const patched = built.manifest.annotations?.[PATCH_ANNOTATION.source] as Digest | undefined;
  return provenancePredicate({
    builder: setup.settings.builder ?? `urn:heraklit:fleet:${encodeURIComponent(fleet)}`,
    version: setup.version,
    image: place.image,
    fleet,
    strategy: built.strategy,
    reason: built.reason,
    recipe: image.recipeDigest === undefined ? undefined : `sha256:${image.recipeDigest}`,
    lock: built.lockDigest,
    source: patched ?? (moved ? previous : undefined),
    base: built.baseDigest === undefined ? undefined : { name: image.base, digest: built.baseDigest },
    formerBase: moved ? previousBaseDigest : undefined,
    packages: built.changes,
    advisoriesFixed: built.advisoriesFixed,
    invocation: `${run}/${place.image}`,
  });
}

async function sboms(
  { built }: AttestedBuild,
  { settings, version }: SigningSetup,
  reference: string,
  store: BlobStore,
  workshop: Workshop,
): Promise<readonly Predicate[]> {
  const formats = settings.sbom ?? ['cyclonedx'];
  if (formats.length === 0) return [];
  const contents = await inspectImage(resolvedFrom(built, store), { layerCache: workshop.layerCache });
  return Promise.all(
    formats.map(async (format) => ({
      type: format === 'cyclonedx' ? PREDICATES.cyclonedx : PREDICATES.spdxjson,
      predicate: JSON.parse(await sbom(format, contents, { reference, toolVersion: version })) as object,
    })),
  );
}

async function sbom(
  format: 'cyclonedx' | 'spdx',
  contents: ImageContents,
  options: { readonly reference: string; readonly toolVersion: string },
): Promise<string> {
  // Libraries of some milliseconds, loaded where they are used.
  const { toCycloneDx, toSpdx } = await import('../../inventory/sbom/index.ts');
  return format === 'cyclonedx' ? toCycloneDx(contents, options) : toSpdx(contents, options);
}
