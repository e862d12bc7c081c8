/** examples/tests: nginx of Debian is composed, tested with a backend and a client, signed with what came of it. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt, silentLog } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { openLoopbackRegistry } from '../../src/engine/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { createMemoryCatalogue, createSqlCatalogue } from '../../src/registry/index.ts';
import { openBlobStore, openHomeStore } from '../../src/storage/index.ts';
import { podmanScratch } from '../integration/engine-images.ts';
import { openCli } from '../support/cli.ts';

test('a fleet with tests: what passes is released with a signed result, what fails is not', {
  timeout: 900_000,
}, async (context) => {
  const scratch = await podmanScratch();
  if ('skip' in scratch) return context.skip(scratch.skip);
  context.after(() => scratch.close());
  const cli = await openCli(context);
  await cp(join(import.meta.dirname, '../../examples/tests'), cli.root, { recursive: true });
  const catalogue = createMemoryCatalogue();
  const outside = await openLoopbackRegistry(await openBlobStore(join(cli.root, 'outside')), catalogue, silentLog);
  context.after(() => outside.close());
  const key = await cli.run(['key', 'generate', '-o', 'fleet', '--no-passphrase']);
  assert.equal(key.code, 0, key.stderr);
  const more = `signing: { key: fleet.key, sbom: [] }\nregistry: { push: "${outside.host}/team" }\n`;
  const file = join(cli.root, 'heraklit.yaml');
  await writeFile(file, (await readFile(file, 'utf8')) + more);
  const [, runtime, , driver, , root, , runroot] = scratch.arguments;
  const engine = [`--runtime=${runtime}`, `--storage-driver=${driver}`, `--root=${root}`, `--runroot=${runroot}`];
  const run = async () => {
    const ended = await cli.run(['run', '--format', 'json', ...engine.map((one) => `--engine-argument=${one}`)]);
    const { tasks } = JSON.parse(ended.stdout || '{"tasks":[]}') as {
      tasks: { image: string; status: string; error?: string }[];
    };
    return { ...ended, statuses: Object.fromEntries(tasks.map(({ image, status }) => [image, status])) };
  };
  const first = await run();
  assert.deepEqual([first.code, first.statuses], [0, { client: 'succeeded', web: 'succeeded' }], first.stderr);
  const image = `${outside.host}/team/web:latest`;
  const shown = await cli.run(['attest', 'show', image, '--key', 'fleet.pub', '--type', 'test-result']);
  assert.equal(shown.code, 0, shown.stderr);
  const { predicate } = JSON.parse(shown.stdout);
  assert.equal(predicate.result, 'PASSED');
  assert.equal(predicate.runner, 'engine');
  assert.ok(predicate.passedTests.includes('from another container'));
  const step = predicate.steps.find(({ name }: { name: string }) => name === 'the proxy passes on');
  assert.deepEqual([step.kind, step.result, typeof step.durationMilliseconds], ['http', 'PASSED', 'number']);
  assert.deepEqual(
    predicate.logs.map(({ name }: { name: string }) => name),
    ['backend', 'candidate', 'test-5'],
  );
  assert.match(predicate.configuration[0].digest.sha256, /^[0-9a-f]{64}$/);
  const id = /^urn:heraklit:verification:(.+)$/.exec(predicate.url)?.[1] ?? '';
  const kept = JSON.parse((await cli.run(['verify', '--kept', id, '--format', 'json'])).stdout).verifications;
  assert.deepEqual([kept.length, kept[0].image, kept[0].outcome], [1, 'web', 'passed']);
  assert.ok(kept[0].logs.some(({ text }: { text: string }) => text.includes('"left":3')));

  // A proxy that no longer passes on is built, tested, and stays where it is; the release is as it was.
  const recipe = join(cli.root, 'web.yaml');
  await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('location /stock/', 'location /shop/'));
  const before = await catalogue.resolve('team/web', 'latest');
  const second = await run();
  assert.deepEqual([second.code, second.statuses.web], [1, 'failed'], second.stderr);
  assert.match(second.stderr, /the proxy passes on: .*answers 404/);
  assert.equal((await catalogue.resolve('team/web', 'latest'))?.digest, before?.digest);
  const all = JSON.parse((await cli.run(['verify', '--kept', 'web', '--format', 'json'])).stdout).verifications;
  assert.deepEqual(
    all.map(({ outcome }: { outcome: string }) => outcome),
    ['failed', 'passed'],
  );
  // Why, is signed as well, and fetched by the digest that the kept result tells; no reason to accept it.
  const rejected = all[0].digest as Digest;
  const database = await openDatabase({ kind: 'embedded', directory: homeAt(cli.home).database });
  context.after(() => database.close());
  const own = await openLoopbackRegistry(
    await openHomeStore(homeAt(cli.home)),
    createSqlCatalogue(database),
    silentLog,
  );
  context.after(() => own.close());
  const evidence = [`${own.host}/web@${rejected}`, '--key', 'fleet.pub', '--type', 'test-result'];
  // Another process may not use a home that this one holds open.
  const elsewhere = { env: { HERAKLIT_HOME: join(cli.root, 'elsewhere') } };
  const why = await cli.run(['attest', 'show', ...evidence], elsewhere);
  assert.equal(why.code, 0, why.stderr);
  const said = JSON.parse(why.stdout).predicate;
  assert.deepEqual([said.result, said.failedTests], ['FAILED', ['the proxy passes on', 'from another container']]);
  assert.equal(said.url, `urn:heraklit:verification:${all[0].id}`);
  const accepted = await cli.run(['attest', 'verify', '--no-signature', ...evidence], elsewhere);
  assert.deepEqual([accepted.code, /its tests failed/.test(accepted.stderr)], [3, true], accepted.stderr);
});
