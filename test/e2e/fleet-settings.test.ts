/** What a fleet file says is what happens: settings through the real command line. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
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
