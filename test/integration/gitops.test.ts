/** Digests written to a real git server: by commit and by pull request, beside people who write too. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listPullRequests } from '../../src/forge/index.ts';
import { createGitopsRuntime, type GitopsOptions } from '../../src/gitops/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import type { RolloutOutcome, WorkloadRuntime } from '../../src/runtime/index.ts';
import { forgePeer, type PeerRequest } from '../support/forge-peer.ts';
import { commitFiles, git, newRepository, startGitServer } from '../support/git-server.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const IMAGE = 'registry.example.org/team/web';
const MANIFEST = `kind: Deployment\nmetadata: { name: web }\nspec:\n  containers:\n  - name: app   # the shop\n    image: "${IMAGE}:latest@${digest('0')}"  # the marker\n  - { name: proxy, image: 'envoy:1' }\n`;

async function bench(context: TestContext, more: Partial<GitopsOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'gitops-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const work = newRepository(folder, 'team/deploy', {
    'apps/web.yaml': MANIFEST,
    'apps/notes.yaml': 'a: [\n',
    'README.md': 'image: x\n',
  });
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const runtime = createGitopsRuntime({
    ...{ name: 'deploy', write: 'commit', cache: join(folder, 'cache') },
    git: { url: `${server.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
    ...more,
  });
  const bare = join(folder, 'team/deploy.git');
  const head = (): string => git(bare, 'show', 'main:apps/web.yaml');
  return { folder, work, server, runtime, bare, head };
}

async function roll(runtime: WorkloadRuntime, to: Digest) {
  const [workload] = await runtime.list();
  assert.ok(workload !== undefined);
  return runtime.rollout({
    workload,
    container: workload.containers[0]?.name ?? '',
    image: `127.0.0.1:5000/web@${to}`,
    digest: to,
    deadline: 1_000,
  });
}

test('a commit changes one value; told again it changes nothing', async (context) => {
  const { runtime, head, bare } = await bench(context);
  assert.equal(await runtime.unavailable(), undefined);
  const [workload, ...others] = await runtime.list();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [workload?.id, workload?.kind, workload?.digest],
    ['gitops:deploy/apps/web.yaml', 'file', digest('0')],
  );
  assert.deepEqual(
    workload?.containers.map(({ image }) => image),
    [`${IMAGE}:latest@${digest('0')}`, 'envoy:1'],
  );
  const first = await roll(runtime, digest('1'));
  assert.equal(first.kind, 'rolledout');
  assert.equal(head(), MANIFEST.replace(digest('0'), digest('1')).trim());
  assert.deepEqual(
    git(bare, 'diff', '--stat', 'main~1', 'main').includes('1 file changed, 1 insertion(+), 1 deletion(-)'),
    true,
  );
  assert.match(
    git(bare, 'log', '-1', '--format=%an%n%B', 'main'),
    /^heraklit\napps\/web\.yaml: web sha256:1{12}[\s\S]*\nHeraklit-Digest: sha256:1{64}/,
  );
  assert.equal((await roll(runtime, digest('1'))).kind, 'unchanged');
  assert.equal(git(bare, 'rev-list', '--count', 'main'), '2');
});

test('what a person took back stays so, for that digest and place; the next one is written', async (context) => {
  const { runtime, work, head, folder, server } = await bench(context);
  await roll(runtime, digest('1'));
  await roll(runtime, digest('2'));
  git(work, 'pull', '--quiet', '--rebase', 'origin', 'main');
  git(work, 'revert', '--no-edit', 'HEAD');
  git(work, 'push', '--quiet', 'origin', 'HEAD');
  // Also a heraklit that knows nothing of before.
  const other = createGitopsRuntime({
    ...{ name: 'deploy', write: 'commit', cache: join(folder, 'cache2') },
    git: { url: `${server.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
  });
  for (const one of [runtime, other]) {
    const outcome = await roll(one, digest('2'));
    assert.equal(outcome.kind, 'rolledback');
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'environment', 'not the image’s fault everywhere');
    assert.match(outcome.reason, /took sha256:2+ away .*respected/);
  }
  assert.ok(head().includes(digest('1')));
  assert.equal((await roll(runtime, digest('3'))).kind, 'rolledout');
  // By hand, not by revert; and put there again by hand, it is no longer refused.
  git(work, 'pull', '--quiet', '--rebase', 'origin', 'main');
  const file = 'apps/web.yaml';
  const text = readFileSync(join(work, file), 'utf8');
  commitFiles(work, { [file]: text.replace(digest('3'), digest('9')) }, 'something else');
  assert.equal((await roll(runtime, digest('3'))).kind, 'rolledback');
  commitFiles(work, { [file]: text }, 'after all');
  commitFiles(work, { [file]: text.replace('# the shop', '# our shop') }, 'words');
  assert.equal((await roll(runtime, digest('3'))).kind, 'unchanged');
  assert.equal((await roll(runtime, digest('4'))).kind, 'rolledout');
});

test('somebody who pushes in between is not overwritten; without end it is given up', async (context) => {
  const { folder, work, bare } = await bench(context);
  let races = 1;
  const racing = await startGitServer(folder, {
    intercept: (request) => {
      if (request.method === 'POST' && request.url?.endsWith('/git-receive-pack') === true && races > 0) {
        races -= 1;
        git(work, 'pull', '--quiet', '--rebase', 'origin', 'main');
        commitFiles(work, { [`apps/other-${races}.yaml`]: `a: ${races}\n` }, 'in between');
      }
      return false;
    },
  });
  context.after(() => racing.close());
  const runtime = createGitopsRuntime({
    ...{ name: 'deploy', write: 'commit', cache: join(folder, 'cache') },
    git: { url: `${racing.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
  });
  assert.equal((await roll(runtime, digest('1'))).kind, 'rolledout');
  assert.equal(git(bare, 'show', 'main:apps/other-0.yaml'), 'a: 0');
  assert.ok(git(bare, 'show', 'main:apps/web.yaml').includes(digest('1')));
  races = 100;
  await assert.rejects(roll(runtime, digest('2')), { code: 'GITOPS_CONFLICT', retryable: true });
  races = 0;
  const [workload] = await runtime.list();
  assert.ok(workload !== undefined);
  const request = { workload, image: `${IMAGE}@${digest('2')}`, digest: digest('2'), deadline: 1 };
  await assert.rejects(runtime.rollout({ ...request, container: 'gone' }), { code: 'GITOPS_PLACE_GONE' });
  writeFileSync(join(bare, 'hooks', 'pre-receive'), '#!/bin/sh\necho "protected branch" >&2\nexit 1\n', {
    mode: 0o755,
  });
  await assert.rejects(runtime.rollout(request), { code: 'GITOPS_PUSH_REFUSED' });
});

const reasonOf = (outcome: RolloutOutcome): string => ('reason' in outcome ? outcome.reason : '');

test('one pull request for an image, kept up to date; closed by a person, its digest is not offered again', async (context) => {
  const { folder, server, bare, head } = await bench(context);
  for (const kind of ['github', 'gitlab', 'gitea'] as const) {
    const { forge, requests, calls } = await forgePeer(context, kind, server.url);
    const runtime = createGitopsRuntime({
      ...{ name: 'deploy', write: 'pull-request', cache: join(folder, `cache-${kind}`), forge },
      git: { url: `${server.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
    });
    const before = head();
    const first = await roll(runtime, digest('5'));
    assert.equal(first.kind, 'proposed', 'nothing runs it before somebody merges');
    assert.match(reasonOf(first), /pull request http:\/\/f\/1 is to be merged/);
    assert.equal(head(), before);
    const branch = requests[0]?.head ?? '';
    assert.match(branch, /^heraklit\/apps-web-yaml-/);
    assert.ok(git(bare, 'show', `${branch}:apps/web.yaml`).includes(digest('5')));
    await roll(runtime, digest('5'));
    assert.match(reasonOf(await roll(runtime, digest('6'))), /f\/1 /);
    assert.deepEqual([requests.length, git(bare, 'rev-list', '--count', `main..${branch}`)], [1, '1']);
    assert.ok(requests[0]?.body.includes(`Heraklit-Digest: ${digest('6')}`));
    assert.ok(
      calls.some((call) =>
        call.startsWith(
          kind === 'gitlab' ? 'PUT /projects/team%2Fdeploy/merge_requests/1' : 'PATCH /repos/team/deploy/pulls/1',
        ),
      ),
    );
    (requests[0] as PeerRequest).state = 'closed';
    const refused = await roll(runtime, digest('6'));
    assert.equal(refused.kind, 'rolledback');
    assert.match(reasonOf(await roll(runtime, digest('7'))), /f\/2 /);
    assert.equal((await listPullRequests(forge, { repository: 'team/deploy', head: branch, base: 'main' })).length, 2);
  }
  const nobody = createGitopsRuntime({
    ...{ name: 'deploy', write: 'pull-request', cache: join(folder, 'cache') },
    git: { url: `${server.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
  });
  await assert.rejects(roll(nobody, digest('8')), { code: 'GITOPS_PUSH_REFUSED' });
});

test('files that Flux or the updater of Argo CD writes are left to them, unless told otherwise', {
  timeout: 120_000,
}, async (context) => {
  const marked = MANIFEST.replace('# the marker', '# {"$imagepolicy": "flux-system:web"}');
  const { runtime, work, folder, server, head } = await bench(context);
  commitFiles(work, { 'apps/web.yaml': marked }, 'Flux writes it');
  const [listed] = await runtime.list();
  assert.deepEqual(listed?.managedBy, { by: 'flux', id: 'image policy flux-system:web' });
  const left = await roll(runtime, digest('1'));
  assert.equal(left.kind, 'rolledback');
  assert.ok('reason' in left && left.reason.includes('written by flux (image policy flux-system:web)'));
  assert.equal(head(), marked.trimEnd());
  const told = createGitopsRuntime({
    ...{ name: 'deploy', write: 'commit', writers: 'override', cache: join(folder, 'cache2') },
    git: { url: `${server.url}/team/deploy.git`, ref: 'main', path: 'apps', insecure: true },
  });
  assert.equal((await told.list())[0]?.managedBy, undefined);
  assert.equal((await roll(told, digest('1'))).kind, 'rolledout');
  assert.ok(head().includes(digest('1')) && head().includes('$imagepolicy'));
  const application = `kind: Application\nmetadata:\n  name: web\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: web=${IMAGE}\nspec: { source: { kustomize: { images: [ "${IMAGE}:1" ] } } }\n`;
  commitFiles(work, { 'apps/application.yaml': application }, 'the updater writes it');
  const found = (await runtime.list()).find(({ name }) => name === 'apps/application.yaml');
  assert.equal(found?.managedBy?.by, 'argocd');
});
