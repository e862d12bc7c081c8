/** What a fleet file says is what happens: settings through the real command line. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { PREDICATES } from '../../src/attestation/index.ts';
import { silentLog } from '../../src/base/index.ts';
import { openLoopbackRegistry } from '../../src/engine/index.ts';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { parseReference } from '../../src/oci/index.ts';
import { createMemoryCatalogue } from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { saveImage } from '../../src/transport/index.ts';
import { openCli } from '../support/cli.ts';
import { buildMirror, createSigner, type TestPackage, writeMirror } from '../support/debian-mirror.ts';
import { newerTool } from '../support/newer-tools.ts';

const signer = await createSigner();
const pkg = (name: string, version: string): TestPackage => ({
  control: {
    Package: name,
    Version: version,
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: name,
  },
});
const mirrorFiles = await buildMirror(
  [
    { suite: 'trixie', packages: [pkg('calm', '1')] },
    { suite: 'trixie-updates', packages: [] },
    { suite: 'trixie-security', packages: [] },
  ],
  signer.sign,
  Date.now(),
);

async function openFleet(context: TestContext) {
  const cli = await openCli(context);
  await writeMirror(mirrorFiles, join(cli.root, 'mirror'));
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  for (const name of ['calm']) {
    const image = memoryImage([
      { 'usr/lib/os-release': OS_RELEASE, 'var/lib/dpkg/status': status(stanza(name, '1')), 'bin/x': 'x' },
    ]);
    await saveImage(image, parseReference(`oci:${join(cli.root, 'upstream')}:${name}`));
  }
  const fleet = async (names: readonly string[], more: string): Promise<void> => {
    const images = names.map((name) => `  - { name: ${name}, upstream: "oci:${join(cli.root, 'upstream')}:${name}" }`);
    const mirrors = `[file:///nonexistent/debian, "file://${join(cli.root, 'mirror')}/debian"]`;
    const head = `apiVersion: heraklit/v1\nkind: Fleet\ndistributions: { debian/trixie: { mirrors: ${mirrors} } }\n`;
    await writeFile(join(cli.root, 'heraklit.yaml'), `${head}${more}images:\n${images.join('\n')}\n`);
  };
  const run = async (command: 'plan' | 'run') => {
    const ended = await cli.run([command, '--keyring', 'key.asc', '--format', 'json']);
    return { ...ended, json: JSON.parse(ended.stdout || 'null') };
  };
  return { fleet, run, cli };
}

interface Task {
  readonly image: string;
  readonly status: string;
}
const statuses = (json: { readonly tasks: readonly Task[] }): Record<string, string> =>
  Object.fromEntries(json.tasks.map((task) => [task.image, task.status]));

test('policy.strategies: what cannot be made is told with its code; allowed, an upstream image is taken over once', async (context) => {
  const { fleet, run, cli } = await openFleet(context);
  await fleet(['calm'], 'policy: { strategies: [compose, rebase] }\n');
  const planned = await run('plan');
  assert.equal(planned.json.tasks[0].problem.code, 'PLAN_STRATEGY_EXCLUDED');
  assert.match(
    planned.json.tasks[0].because,
    /only patch could make it, and policy\.strategies allows compose, rebase/,
  );
  const refused = await run('run');
  assert.deepEqual([refused.code, refused.json.tasks], [1, []]);
  assert.match(refused.stderr, /^error: PLAN_STRATEGY_EXCLUDED: calm: /m);
  // Another home's registry takes what is released here.
  const store = await openBlobStore(join(cli.root, 'outside'));
  const catalogue = createMemoryCatalogue();
  const outside = await openLoopbackRegistry(store, catalogue, silentLog);
  context.after(() => outside.close());
  await fleet(['calm'], `policy: { strategies: [patch] }\nregistry: { push: "${outside.host}/team" }\n`);
  const first = await run('run');
  assert.deepEqual([first.code, statuses(first.json)], [0, { calm: 'succeeded' }], first.stderr);
  assert.match(first.stderr, /mirror 1 of 2 \(debian\/trixie, the fleet file\) failed/);
  const pushed = await catalogue.resolve('team/calm', 'latest');
  assert.equal(pushed?.digest, first.json.tasks[0].digest);
  const again = await run('run');
  assert.deepEqual([again.code, again.json.tasks, again.json.problems], [0, [], []]);
  // Signing set later: what is released already is signed, and the other registry gets the signature.
  const made = await cli.run(['key', 'generate', '-o', 'late', '--no-passphrase']);
  assert.equal(made.code, 0, made.stderr);
  const late = 'signing: { key: late.key }\n';
  await fleet(['calm'], `policy: { strategies: [patch] }\n${late}registry: { push: "${outside.host}/team" }\n`);
  const signed = await run('run');
  assert.deepEqual([signed.code, signed.json.tasks, signed.json.problems], [0, [], []]);
  const verified = await cli.run(['attest', 'verify', `${outside.host}/team/calm:latest`, '--key', 'late.pub']);
  assert.equal(verified.code, 0, verified.stderr);
  // A replica gets what it names; one that is away is told and holds up nobody.
  const replicas = `[{ to: "${outside.host}/all", images: ["c*"] }, { to: "${outside.host}/none", images: [x] }, { to: "127.0.0.1:1/away" }]`;
  await fleet(['calm'], `policy: { strategies: [patch] }\nregistry: { replicas: ${replicas} }\n`);
  const replicated = await run('run');
  assert.deepEqual(
    replicated.json.problems.map(({ code }: { code: string }) => code),
    ['REGISTRY_UNREACHABLE'],
  );
  assert.equal((await catalogue.resolve('all/calm', 'latest'))?.digest, pushed?.digest);
  assert.equal(await catalogue.resolve('none/calm', 'latest'), undefined);
});

test('signing: what is released is signed and says what it is made of, here and where it is pushed to', async (context) => {
  const { fleet, run, cli } = await openFleet(context);
  await writeFile(join(cli.root, 'phrase'), 'open sesame\n');
  const heraklit = async (...args: readonly string[]): Promise<string> => {
    const ended = await cli.run(args);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  await heraklit('key', 'generate', '-o', 'fleet', '--passphrase-file', 'phrase');
  const catalogue = createMemoryCatalogue();
  const outside = await openLoopbackRegistry(await openBlobStore(join(cli.root, 'outside')), catalogue, silentLog);
  context.after(() => outside.close());
  const settings = 'key: fleet.key, sbom: [cyclonedx, spdx], bundles: true, builder: "https://ci.example.com/builder"';
  const push = `registry: { push: "${outside.host}/team" }\n`;
  await fleet(['calm'], `signing: { ${settings} }\n${push}`);
  const locked = await run('run');
  assert.deepEqual([locked.code, locked.json], [2, null]);
  assert.match(locked.stderr, /ATTESTATION_PASSPHRASE_WRONG/);
  await fleet(['calm'], `signing: { ${settings}, passphraseFile: phrase }\n${push}`);
  const first = await run('run');
  assert.deepEqual([first.code, statuses(first.json)], [0, { calm: 'succeeded' }], first.stderr);

  const image = `${outside.host}/team/calm:latest`;
  const types = ['slsaprovenance1', 'cyclonedx', 'spdxjson', 'test-result'];
  const demand = ['--key', 'fleet.pub', ...types.flatMap((type) => ['--type', type])];
  const verified = JSON.parse(await heraklit('attest', 'verify', image, ...demand, '--format', 'json'));
  // Each statement once as it is and once as a bundle, though the tag names all of them again.
  assert.equal(verified.evidence.length, 1 + 2 * types.length);
  assert.deepEqual(verified.refused, []);
  const show = async (type: string) =>
    JSON.parse(await heraklit('attest', 'show', image, '--key', 'fleet.pub', '--type', type))[0].predicate;
  assert.equal((await show('slsaprovenance1')).runDetails.builder.id, 'https://ci.example.com/builder');
  const { components } = (await show('cyclonedx')) as { components: { name: string }[] };
  assert.ok(components.some(({ name }) => name === 'calm'));
  assert.equal((await show('test-result')).result, 'PASSED');
  const cosign = newerTool('cosign');
  if (cosign !== undefined) {
    const at = `${outside.host}/team/calm@${first.json.tasks[0].digest}`;
    const check = ['--allow-http-registry', '--insecure-ignore-tlog=true', '--key', join(cli.root, 'fleet.pub'), at];
    const env = { ...process.env, HOME: cli.root };
    await promisify(execFile)(cosign, ['verify', ...check], { env });
    for (const type of ['slsaprovenance1', 'cyclonedx', 'spdxjson', PREDICATES['test-result']]) {
      await promisify(execFile)(cosign, ['verify-attestation', '--type', type, ...check], { env });
    }
  }

  const story = await heraklit('explain', 'calm');
  assert.match(story, /Not composing it: it has no recipe\./);
  assert.match(story, /Key [0-9a-f]{16} signed cyclonedx, signature, slsaprovenance1, spdxjson, test-result\./);
  assert.match(story, /It was tested \(.+\) and passed\./);

  // A new key, the old one still trusted: nothing is made again.
  await heraklit('key', 'generate', '-o', 'new', '--no-passphrase');
  await fleet(['calm'], `signing: { key: new.key, trust: [fleet.pub] }\n${push}`);
  const again = await run('run');
  assert.deepEqual([again.code, again.json.tasks, again.json.problems], [0, [], []]);
});
