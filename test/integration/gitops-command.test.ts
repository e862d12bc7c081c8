/** `heraklit gitops` on a real git server: by commit, and by pull requests that are merged, closed and opened again. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { createGitopsRuntime } from '../../src/gitops/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { readCampaign, slotsOf } from '../../src/rollout/campaign/store.ts';
import { carryCampaign, findOrBegin, type NewCampaign, operateCampaign, planOfFleet } from '../../src/rollout/index.ts';
import { openCli } from '../support/cli.ts';
import { forgePeer, type PeerRequest } from '../support/forge-peer.ts';
import { git, newRepository, startGitServer } from '../support/git-server.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const HOST = 'registry.example.org';
const file = (image: string): string =>
  `kind: Deployment\nmetadata: { name: web }\nspec:\n  containers:\n  - name: app\n    image: ${HOST}/${image}:1@${digest('0')} # kept\n`;

test('plan shows the diff and pushes nothing, write pushes just that, status says how it stands', {
  timeout: 600_000,
}, async (context) => {
  const cli = await openCli(context);
  newRepository(cli.root, 'deploy', {
    'apps/web.yaml': file('web'),
    'apps/other.yaml': file('other').replace('name: web }', 'name: other, annotations: {a: b} }'),
    'apps/held.yaml': file('web').replace(
      'name: web }',
      'name: held, annotations: { kustomize.toolkit.fluxcd.io/reconcile: disabled } }',
    ),
  });
  const bare = join(cli.root, 'deploy.git');
  const server = await startGitServer(cli.root);
  context.after(() => server.close());
  const fleet = join(cli.root, 'heraklit.yaml');
  await writeFile(
    fleet,
    `apiVersion: heraklit/v1
kind: Fleet
name: shop
images:
  - { name: web, upstream: "${HOST}/web:1" }
  - { name: api, upstream: "${HOST}/api:1" }
rollout:
  git: [{ name: deploy, url: "${server.url}/deploy.git", branch: main, path: apps, insecure: true }]
`,
  );
  const home = homeAt(cli.home);
  await mkdir(home.database, { recursive: true });
  const database = await openDatabase({ kind: 'embedded', directory: home.database });
  await database.kysely
    .insertInto('fleet_image')
    .values({
      ...{ name: 'web', fleet: 'shop', repository: 'web', tag: 'latest', digest: digest('1'), base_digest: null },
      ...{ recipe_digest: null, source: null, strategy: null, released: null, tried_input: null, tried: null },
    })
    .execute();
  await database.close();
  const before = git(bare, 'rev-parse', 'main');
  const common = ['--registry', HOST, '--fleet', fleet];
  const plan = await cli.run(['gitops', 'plan', '--format', 'json', '--fail-on', 'any', ...common]);
  assert.equal(plan.code, 1, plan.stderr);
  const planned = JSON.parse(plan.stdout) as { places: Record<string, string>[]; missing: string[] };
  assert.deepEqual(
    planned.places.map(({ file: path, image, state }) => [path, image, state]),
    [
      ['apps/held.yaml', 'web', 'left'],
      ['apps/web.yaml', 'web', 'commit'],
      ['apps/other.yaml', null, 'other'],
    ],
  );
  assert.deepEqual(planned.missing, ['api']);
  assert.equal(git(bare, 'rev-parse', 'main'), before);
  const write = await cli.run(['gitops', 'write', ...common]);
  assert.equal(write.code, 0, write.stderr);
  assert.match(write.stdout, /^web {2}gitops:deploy\/apps\/web\.yaml {2}rolledout/);
  assert.equal(git(bare, 'show', 'main:apps/web.yaml'), file('web').replace(digest('0'), digest('1')).trim());
  const written = git(bare, 'diff', before, 'main');
  assert.equal(planned.places.find(({ state }) => state === 'commit')?.diff?.trim(), written, 'what plan showed');
  const status = await cli.run(['gitops', 'status', ...common]);
  assert.match(status.stdout, /^deploy: http:\/\/\S+ main [0-9a-f]{12}, by commit$/m);
  assert.match(status.stdout, /apps\/web\.yaml +\S+ +web +\S+@sha256:1{12} +current/);
  assert.equal(git(bare, 'rev-list', '--count', 'main'), '2');
  // Rolled back in git by an operator: seen by plan, and not written again.
  const other = join(cli.root, 'deploy.work');
  git(other, 'pull', '--quiet', '--rebase', 'origin', 'main');
  git(other, 'revert', '--no-edit', 'HEAD');
  git(other, 'push', '--quiet', 'origin', 'HEAD');
  const again = await cli.run(['gitops', 'plan', '--fail-on', 'any', ...common]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /held\.yaml .*: left: .*Flux does not apply it/);
  assert.match(again.stdout, /web\.yaml .*: left: commit [0-9a-f]{12} took sha256:1{12} away/);
  await server.close();
  const gone = await cli.run(['gitops', 'status', ...common]);
  assert.equal(gone.code, 3);
  assert.match(gone.stdout, /cannot be read[\s\S]*SOURCE_UNREACHABLE/);
});

test('a rollout by pull request waits for the merge, follows it, ends when it is closed, and gives way to a newer one', {
  timeout: 600_000,
}, async (context) => {
  const { root: folder } = await openCli(context);
  const work = newRepository(folder, 'team/deploy', { 'web.yaml': file('web') });
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const { forge, requests } = await forgePeer(context, 'github', server.url);
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  context.after(() => database.close());
  const runtime = createGitopsRuntime({
    ...{ name: 'deploy', write: 'pull-request', cache: join(folder, 'cache'), forge },
    git: { url: `${server.url}/team/deploy.git`, ref: 'main', insecure: true },
  });
  let now = Date.parse('2026-06-01T12:00:00Z');
  const stage = { database, runtimes: [runtime], clock: { now: () => now } };
  const begin = async (to: Digest): Promise<number> => {
    const wanted: NewCampaign = {
      ...{ cause: 'release', name: 'web', fleet: 'shop', repository: 'web', tag: 'latest', digest: to },
      ...{ image: `${HOST}/web@${to}`, previous: undefined, anyTime: false, carrier: 'loop' },
      plan: planOfFleet({}, 'web'),
    };
    return (await findOrBegin(stage, wanted, 'heraklit')).id;
  };
  const carry = async (id: number): Promise<string> => {
    now += 60_000;
    await carryCampaign(stage, id);
    const { state, hold } = await readCampaign(database.kysely, id);
    return hold === undefined ? state : `${state} (${hold})`;
  };
  const outcomes = async (id: number): Promise<readonly (string | undefined)[]> =>
    (await slotsOf(database.kysely, [id])).map(({ outcome }) => outcome);
  const merge = (one: PeerRequest | undefined): void => {
    assert.ok(one !== undefined);
    git(work, 'fetch', '--quiet', 'origin');
    git(work, 'reset', '--quiet', '--hard', 'origin/main');
    git(work, 'merge', '--quiet', '--no-ff', '-m', `Merge ${one.title}`, `origin/${one.head}`);
    git(work, 'push', '--quiet', 'origin', 'HEAD');
    one.state = 'merged';
  };

  const first = await begin(digest('1'));
  assert.equal(await carry(first), 'waiting (merge)', 'nothing runs it before somebody merges');
  const { changes } = await database.kysely.selectFrom('rollout_campaign').select('changes').executeTakeFirstOrThrow();
  assert.equal(await carry(first), 'waiting (merge)');
  const later = await database.kysely.selectFrom('rollout_campaign').select('changes').executeTakeFirstOrThrow();
  assert.equal(later.changes, changes, 'that nothing happened is no history');
  assert.match((await readCampaign(database.kysely, first)).reason, /pull request http:\/\/f\/1 is to be merged/);
  merge(requests[0]);
  assert.equal(await carry(first), 'rolledout');
  assert.deepEqual(await outcomes(first), ['rolledout'], 'and is announced');

  const second = await begin(digest('2'));
  assert.equal(await carry(second), 'waiting (merge)');
  const third = await begin(digest('3'));
  assert.equal(await carry(third), 'waiting (merge)', 'a proposal holds up no newer image');
  assert.equal(await carry(second), 'waiting (elsewhere)');
  assert.equal(requests.length, 2, 'one request a place');
  merge(requests[1]);
  assert.equal(await carry(third), 'rolledout');
  assert.equal(await carry(second), 'overtaken');
  assert.deepEqual(await outcomes(second), ['withdrawn']);

  const fourth = await begin(digest('4'));
  assert.equal(await carry(fourth), 'waiting (merge)');
  (requests[2] as PeerRequest).state = 'closed';
  assert.equal(await carry(fourth), 'rolledback');
  assert.deepEqual(await database.kysely.selectFrom('quarantine').selectAll().execute(), [], 'nobody says it is bad');
  // Opened again by a person, it is no longer refused.
  (requests[2] as PeerRequest).state = 'open';
  const fifth = await begin(digest('4'));
  assert.equal(await carry(fifth), 'waiting (merge)');
  await operateCampaign(database, fifth, 'abort', { actor: 'alice' });
  assert.equal(await carry(fifth), 'rolledback');
  assert.deepEqual(await outcomes(fifth), ['withdrawn']);
});
