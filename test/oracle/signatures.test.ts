/** Signatures and attestations against the real cosign and openssl, in both directions. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { PREDICATES } from '../../src/attestation/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { callsTo, manifestOf } from '../integration/registry-calls.ts';
import { startRegistry, type TestRegistry } from '../integration/registry-process.ts';
import { type Cli, openCli } from '../support/cli.ts';
import { newerTool } from '../support/newer-tools.ts';

const run = promisify(execFile);
const PASSPHRASE = 'open sesame';
const TYPE = PREDICATES.slsaprovenance1;
/** No authority and no log: bundles for keys need neither, cosign wants the file all the same. */
const TRUSTED_ROOT = { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1', tlogs: [] };

let registry: TestRegistry;
before(async () => {
  registry = await startRegistry();
});
after(() => registry.close());

const pushImage = async (repository: string): Promise<string> => {
  const calls = callsTo(registry.url);
  const layer = Buffer.from(repository);
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', config: {}, rootfs }));
  for (const blob of [config, layer]) await calls.pushBlob(repository, blob);
  const manifest = manifestOf(config, [layer]);
  assert.equal((await calls.putManifest(repository, 'v1', manifest)).status, 201);
  return `${registry.host}/${repository}@${digestOf(manifest)}`;
};

interface World {
  readonly cli: Cli;
  heraklit(...args: readonly string[]): Promise<string>;
  cosign(...args: readonly string[]): Promise<string>;
}

async function worldOf(context: TestContext): Promise<World> {
  const cli = await openCli(context);
  const env = { HERAKLIT_KEY_PASSPHRASE: PASSPHRASE };
  await writeFile(join(cli.root, 'predicate.json'), '{"found":"nothing"}');
  await writeFile(join(cli.root, 'root.json'), JSON.stringify(TRUSTED_ROOT));
  return {
    cli,
    async heraklit(...args) {
      const ended = await cli.run(args, { env });
      assert.equal(ended.code, 0, ended.stderr);
      return ended.stdout;
    },
    async cosign(...args) {
      const options = { cwd: cli.root, env: { ...process.env, HOME: cli.root, COSIGN_PASSWORD: PASSPHRASE } };
      const { stdout } = await run(newerTool('cosign') as string, args, { ...options, timeout: 120_000 });
      return stdout;
    },
  };
}

const CHECK = ['--allow-http-registry', '--insecure-ignore-tlog=true'] as const;

test('cosign verifies what heraklit signs and attests, by key, tag, referrer and bundle', async (context) => {
  if (newerTool('cosign') === undefined) return context.skip('cosign not installed');
  const { cosign, heraklit } = await worldOf(context);
  const image = await pushImage('ours/app');
  const keys = [
    ['ours', '--algorithm', 'ed25519'],
    ['also', '--form', 'cosign'],
  ] as const;
  for (const [name, ...more] of keys) {
    await heraklit('key', 'generate', '-o', name, ...more);
    const key = ['--key', `${name}.key`];
    await heraklit('attest', 'sign', image, ...key);
    await heraklit('attest', 'attach', image, ...key, '--type', TYPE, '--predicate', 'predicate.json', '--bundle');
  }
  for (const [name] of keys) {
    const check = [...CHECK, '--key', `${name}.pub`];
    assert.match(await cosign('verify', ...check, image), /cosign container image signature/);
    assert.match(await cosign('verify', '--experimental-oci11', ...check, image), /cosign container image signature/);
    const attested = await cosign('verify-attestation', '--type', 'slsaprovenance1', ...check, image);
    const { payload } = JSON.parse(attested) as { payload: string };
    assert.match(Buffer.from(payload, 'base64').toString(), /"found":"nothing"/);
    const bundle = ['--new-bundle-format', '--trusted-root', 'root.json'];
    assert.match(await cosign('verify-attestation', ...bundle, '--type', TYPE, ...check, image), /payload/);
  }
  await cosign('generate-key-pair', '--output-key-prefix', 'strange');
  await assert.rejects(cosign('verify', ...CHECK, '--key', 'strange.pub', image), /no matching signatures/);
  // A key of the cosign form signs for cosign, too.
  const other = await pushImage('ours/other');
  await cosign('sign', '--allow-http-registry', '--tlog-upload=false', '--yes', '--key', 'also.key', other);
  await heraklit('attest', 'verify', other, '--key', 'also.pub');
});

test('heraklit verifies what cosign signs and attests, and not what it signed with another key', async (context) => {
  if (newerTool('cosign') === undefined) return context.skip('cosign not installed');
  const { cli, cosign, heraklit } = await worldOf(context);
  for (const name of ['theirs', 'strange']) await cosign('generate-key-pair', '--output-key-prefix', name);
  const image = await pushImage('theirs/app');
  const offline = ['--allow-http-registry', '--tlog-upload=false', '--yes', '--key', 'theirs.key'];
  await cosign('sign', ...offline, image);
  const attest = ['attest', ...offline, '--predicate', 'predicate.json', '--type'];
  await cosign(...attest, 'cyclonedx', image);
  await cosign(...attest, 'custom', '--new-bundle-format', image);
  const types = ['--type', 'cyclonedx', '--type', 'custom'];
  await heraklit('attest', 'verify', image, '--key', 'strange.pub', '--key', 'theirs.pub', ...types);
  const refused = await cli.run(['attest', 'verify', image, '--key', 'strange.pub']);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /ATTESTATION_UNVERIFIED/);
  // Its key signs for heraklit, too; what cosign attested stays under the tag.
  await heraklit('attest', 'attach', image, '--key', 'theirs.key', '--type', TYPE, '--predicate', 'predicate.json');
  for (const type of ['cyclonedx', TYPE])
    await cosign('verify-attestation', '--type', type, ...CHECK, '--key', 'theirs.pub', image);
});

test('openssl reads the keys and verifies the signature', async (context) => {
  const { cli, heraklit } = await worldOf(context);
  const image = await pushImage('openssl/app');
  await heraklit('key', 'generate', '-o', 'ours');
  await heraklit('attest', 'sign', image, '--key', 'ours.key');
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: cli.root, encoding: 'utf8' });
  const derived = openssl('pkey', '-in', 'ours.key', '-passin', `pass:${PASSPHRASE}`, '-pubout');
  assert.equal(derived, await readFile(join(cli.root, 'ours.pub'), 'utf8'));
  const calls = callsTo(registry.url);
  const tag = `${image.split('@')[1]?.replace(':', '-')}.sig`;
  const manifest = (await (await calls.call('GET', `/v2/openssl/app/manifests/${tag}`)).json()) as {
    readonly layers: readonly { readonly digest: string; readonly annotations: Record<string, string> }[];
    readonly subject: { readonly mediaType: string };
  };
  assert.equal(manifest.subject.mediaType, MediaType.manifest);
  const [layer] = manifest.layers;
  const payload = await (await calls.call('GET', `/v2/openssl/app/blobs/${layer?.digest}`)).arrayBuffer();
  await writeFile(join(cli.root, 'payload'), Buffer.from(payload));
  const signature = layer?.annotations['dev.cosignproject.cosign/signature'] ?? '';
  await writeFile(join(cli.root, 'signature'), Buffer.from(signature, 'base64'));
  assert.match(openssl('dgst', '-sha256', '-verify', 'ours.pub', '-signature', 'signature', 'payload'), /Verified OK/);
});
