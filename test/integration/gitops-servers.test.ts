/** Digests written to real git servers: by ssh with deploy keys, by https with tokens, signed, at the same time. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createGitopsRuntime, type GitopsOptions } from '../../src/gitops/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import type { WorkloadRuntime } from '../../src/runtime/index.ts';
import { certificateAuthority } from '../support/certificates.ts';
import { commitFiles, git, newRepository, startGitServer } from '../support/git-server.ts';
import { startSshServer } from '../support/ssh-server.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const manifest = (name: string): string =>
  `kind: Deployment\nmetadata: { name: ${name} }\nspec:\n  containers:\n  - name: app\n    image: registry.example.org/${name}:1@${digest('0')}\n`;

async function scratch(context: TestContext, files: readonly string[] = ['web']) {
  const folder = await mkdtemp(join(tmpdir(), 'gitops-servers-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const texts = Object.fromEntries(files.map((name) => [`${name}.yaml`, manifest(name)]));
  const work = newRepository(folder, 'deploy', texts);
  return { folder, work, bare: join(folder, 'deploy.git') };
}

async function roll(runtime: WorkloadRuntime, to: Digest, name = 'web.yaml') {
  const workload = (await runtime.list()).find((one) => one.name === name);
  assert.ok(workload !== undefined);
  return await runtime.rollout({ workload, image: `x/web@${to}`, digest: to, deadline: 1_000 });
}

test('over ssh with a deploy key and known_hosts; a changed host key, an unknown host and a strange key are told apart', {
  timeout: 600_000,
}, async (context) => {
  const { folder, bare } = await scratch(context);
  const sshd = await startSshServer(join(folder, 'ssh'));
  if (sshd === undefined) return context.skip('openssh-server not installed');
  context.after(() => sshd.stop());
  const url = `ssh://${sshd.user}@127.0.0.1:${sshd.port}${bare}`;
  const runtime = (credentials: NonNullable<GitopsOptions['git']['credentials']>, cache: string) =>
    createGitopsRuntime({
      ...{ name: 'deploy', write: 'commit', cache: join(folder, cache) },
      git: { url, ref: 'main', credentials },
    });
  const good = runtime({ sshKeyFile: sshd.key, knownHostsFile: sshd.knownHosts }, 'good');
  assert.equal((await roll(good, digest('1'))).kind, 'rolledout');
  assert.ok(git(bare, 'show', 'main:web.yaml').includes(digest('1')));
  const changed = runtime({ sshKeyFile: sshd.key, knownHostsFile: sshd.wrongHosts }, 'changed');
  await assert.rejects(changed.list(), {
    code: 'SOURCE_HOST_UNTRUSTED',
    retryable: false,
    message: /the host key has changed/,
    hint: /known_hosts/,
  });
  assert.match((await changed.unavailable()) ?? '', /host key has changed/);
  writeFileSync(join(folder, 'none'), '');
  const unknown = runtime({ sshKeyFile: sshd.key, knownHostsFile: join(folder, 'none') }, 'unknown');
  await assert.rejects(unknown.list(), { code: 'SOURCE_HOST_UNTRUSTED' });
  const strange = runtime({ sshKeyFile: sshd.strangeKey, knownHostsFile: sshd.knownHosts }, 'strange');
  await assert.rejects(strange.list(), { code: 'SOURCE_DENIED' });
  // The key is replaced while we know the branch already: nothing is written to whoever answers now.
  copyFileSync(sshd.wrongHosts, sshd.knownHosts);
  await assert.rejects(roll(good, digest('2')), { code: 'SOURCE_HOST_UNTRUSTED' });
  assert.ok(git(bare, 'show', 'main:web.yaml').includes(digest('1')));
});

test('over https with a token of a file, which may be replaced; another authority or token is refused', {
  timeout: 600_000,
}, async (context) => {
  const { folder, bare } = await scratch(context);
  const authority = await certificateAuthority(folder);
  const tls = await authority.issue('git');
  const server = await startGitServer(folder, { tls, credentials: 'x-access-token:t0k3n' });
  context.after(() => server.close());
  const passwordFile = join(folder, 'token');
  writeFileSync(passwordFile, 't0k3n\n');
  const options = (more: Partial<GitopsOptions['git']>, cache: string): GitopsOptions => ({
    ...{ name: 'deploy', write: 'commit', cache: join(folder, cache) },
    git: { url: `${server.url}/deploy.git`, ref: 'main', credentials: { passwordFile }, caFile: authority.ca, ...more },
  });
  const runtime = createGitopsRuntime(options({}, 'good'));
  assert.equal((await roll(runtime, digest('1'))).kind, 'rolledout');
  assert.ok(git(bare, 'show', 'main:web.yaml').includes(digest('1')));
  writeFileSync(passwordFile, 'expired\n');
  await assert.rejects(roll(runtime, digest('2')), { code: 'SOURCE_DENIED' });
  writeFileSync(passwordFile, 't0k3n\n');
  assert.equal((await roll(runtime, digest('2'))).kind, 'rolledout');
  const { caFile: _, ...nobody } = options({}, 'x').git;
  const untrusting = createGitopsRuntime({ ...options({}, 'other'), git: nobody });
  const refused = await untrusting.list().catch((error: Error & { code?: string }) => error);
  assert.equal((refused as { code?: string }).code, 'SOURCE_HOST_UNTRUSTED');
  assert.ok(!String((refused as Error).message).includes('t0k3n'));
});

test('many heraklits and people push at once: every digest arrives, and nobody’s commit is lost', {
  timeout: 600_000,
}, async (context) => {
  const names = ['a', 'b', 'c', 'd'];
  const { folder, work, bare } = await scratch(context, names);
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const runtimes = names.map((name) =>
    createGitopsRuntime({
      ...{ name: 'deploy', write: 'commit', cache: join(folder, `cache-${name}`) },
      git: { url: `${server.url}/deploy.git`, ref: 'main', insecure: true },
    }),
  );
  // A push that is told it came too late is one that git refused: tried anew over what is there now.
  for (const letter of ['2']) {
    const outcomes = await Promise.all(
      names.map((name, index) => roll(runtimes[index] as WorkloadRuntime, digest(letter), `${name}.yaml`)),
    );
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      names.map(() => 'rolledout'),
    );
  }
  for (const name of names) assert.ok(git(bare, 'show', `main:${name}.yaml`).includes(digest('2')), name);
  assert.equal(git(bare, 'rev-list', '--count', '--no-merges', 'main'), String(1 + names.length));
  git(work, 'pull', '--quiet', '--rebase', 'origin', 'main');
  assert.equal(git(work, 'status', '--porcelain'), '');
});

test('commits are signed with an ssh key that git verifies; one that cannot sign writes nothing', async (context) => {
  const { folder, bare } = await scratch(context);
  if (spawnSync('ssh-keygen', ['-?']).error !== undefined) return context.skip('ssh-keygen not installed');
  const key = join(folder, 'signing');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const options: GitopsOptions = {
    ...{ name: 'deploy', write: 'commit', cache: join(folder, 'cache'), signingKey: key },
    author: { name: 'Robot', email: 'robot@example.org' },
    git: { url: `${server.url}/deploy.git`, ref: 'main', insecure: true },
  };
  assert.equal((await roll(createGitopsRuntime(options), digest('1'))).kind, 'rolledout');
  const allowed = join(folder, 'allowed');
  writeFileSync(allowed, `robot@example.org ${readFileSync(`${key}.pub`, 'utf8')}`);
  const shown = git(bare, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'log', '-1', '--format=%G? %GS', 'main');
  assert.equal(shown, 'G robot@example.org');
  const before = git(bare, 'rev-parse', 'main');
  writeFileSync(join(folder, 'broken'), 'no key\n');
  const broken = createGitopsRuntime({ ...options, signingKey: join(folder, 'broken') });
  await assert.rejects(roll(broken, digest('2')), { code: 'GITOPS_SIGNING_FAILED' });
  assert.equal(git(bare, 'rev-parse', 'main'), before);
});

test('an operator’s revert is respected through later writes of other places, by every heraklit', async (context) => {
  const { folder, work, bare } = await scratch(context, ['web', 'api']);
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const options = (cache: string): GitopsOptions => ({
    ...{ name: 'deploy', write: 'commit', cache: join(folder, cache) },
    git: { url: `${server.url}/deploy.git`, ref: 'main', insecure: true },
  });
  const runtime = createGitopsRuntime(options('one'));
  await roll(runtime, digest('1'));
  await roll(runtime, digest('2'));
  git(work, 'pull', '--quiet', '--rebase', 'origin', 'main');
  git(work, 'revert', '--no-edit', 'HEAD');
  git(work, 'push', '--quiet', 'origin', 'HEAD');
  const reverted = git(bare, 'show', 'main:web.yaml');
  assert.ok(reverted.includes(digest('1')));
  await roll(runtime, digest('2'), 'api.yaml');
  commitFiles(work, {}, 'nothing');
  for (let again = 0; again < 2; again += 1) {
    const one = createGitopsRuntime(options(`again-${again}`));
    const [workload] = (await one.list()).filter(({ name }) => name === 'web.yaml');
    assert.ok(workload !== undefined);
    const preview = await one.preview({ workload, image: 'x', digest: digest('2'), deadline: 1 });
    assert.deepEqual([preview.kind, preview.diff], ['left', '']);
    assert.match(preview.reason, /took sha256:2+ away .*respected/);
    assert.equal((await roll(one, digest('2'))).kind, 'rolledback');
  }
  assert.equal(git(bare, 'show', 'main:web.yaml'), reverted);
  const [web] = (await runtime.list()).filter(({ name }) => name === 'web.yaml');
  assert.ok(web !== undefined);
  const next = await runtime.preview({ workload: web, image: 'x', digest: digest('3'), deadline: 1 });
  assert.equal(next.kind, 'commit');
  assert.match(next.diff, /^-.*sha256:1{64}$[\s\S]*^\+.*sha256:3{64}$/m);
  const { notes, commit } = await runtime.look();
  assert.deepEqual([notes, commit], [[], git(bare, 'rev-parse', 'main')], 'a look pushes nothing');
});
