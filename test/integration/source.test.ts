import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { homeAt } from '../../src/base/index.ts';
import { openSources } from '../../src/source/sources.ts';
import type { Source, SourceLimits } from '../../src/source/types.ts';
import { commitFiles, git, newRepository, startGitServer } from '../support/git-server.ts';

async function bench(context: TestContext, limits: Partial<SourceLimits> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const home = homeAt(join(folder, 'home'));
  return { folder, home, sources: openSources({ home, limits }) };
}

const gitOf = (url: string, more: object = {}): Source => ({ kind: 'git', git: { url, insecure: true, ...more } });

test('a commit is kept when its branch is overwritten and its server is gone', async (context) => {
  const { folder, home, sources } = await bench(context);
  const work = newRepository(folder, 'app', {
    'web/app.yaml': 'one\n',
    'README.md': 'hello\n',
    'web/run.sh': '#!/bin/sh\n',
  });
  chmodSync(join(work, 'web/run.sh'), 0o755);
  const first = commitFiles(work, {}, 'executable');
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const source = gitOf(`${server.url}/app.git`, { ref: 'main', path: 'web' });
  const before = await sources.fetch(source);
  assert.equal(before.commit, first);
  assert.equal(before.ref, 'refs/heads/main');
  assert.equal(before.committed, Date.parse('2024-03-01T12:00:00Z') / 1000);
  assert.equal(before.files, 2);
  const unpacked = await sources.folder(before);
  assert.equal(readFileSync(join(unpacked, 'app.yaml'), 'utf8'), 'one\n');
  assert.ok(!existsSync(join(unpacked, 'README.md')));
  // git's own archive is the oracle of names, modes and contents.
  const oracle = join(folder, 'oracle');
  mkdirSync(oracle);
  execFileSync('tar', ['-xf', '-', '-C', oracle], {
    input: execFileSync('git', ['archive', `${first}:web`], { cwd: work }),
  });
  execFileSync('diff', ['-r', oracle, unpacked]);
  assert.equal(execFileSync('stat', ['-c', '%a', join(unpacked, 'run.sh')], { encoding: 'utf8' }).trim(), '755');

  // Rewritten history, and an upstream that throws away what nothing names.
  git(work, 'commit', '--quiet', '--amend', '-m', 'rewritten');
  const second = commitFiles(work, { 'web/app.yaml': 'two\n' }, 'second');
  git(join(folder, 'app.git'), 'reflog', 'expire', '--expire=now', '--all');
  git(join(folder, 'app.git'), 'gc', '--quiet', '--prune=now');
  assert.throws(() => git(join(folder, 'app.git'), 'cat-file', '-e', first));
  assert.equal((await sources.fetch(source)).commit, second);
  await server.close();
  await assert.rejects(sources.fetch(source), { code: 'SOURCE_UNREACHABLE', retryable: true });
  assert.equal((await sources.latest(source))?.commit, second);
  // The cache holds nothing that is needed.
  await rm(home.cache, { recursive: true });
  const again = await sources.fetch(gitOf(`${server.url}/app.git`, { ref: first, path: 'web' }));
  assert.equal(again.tree, before.tree);
  assert.equal(readFileSync(join(await sources.folder(again), 'app.yaml'), 'utf8'), 'one\n');
  assert.equal((await sources.find(first.slice(0, 10))).tree, before.tree);
  await assert.rejects(sources.find('0000000'), { code: 'SOURCE_UNKNOWN' });
});

test('the same files are one archive, whatever they came by', async (context) => {
  const { folder, home, sources } = await bench(context);
  const work = newRepository(folder, 'app', { 'a.yaml': 'a\n', 'lib/é.txt': 'b\n' });
  symlinkSync('lib/é.txt', join(work, 'link'));
  commitFiles(work, {}, 'link');
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const revisions = [await sources.fetch(gitOf(`${server.url}/app.git`))];
  revisions.push(await sources.fetch({ kind: 'folder', folder: { folder: work } }));
  for (const [option, suffix] of [
    ['--gzip', 'gz'],
    ['--xz', 'xz'],
    ['--zstd', 'zst'],
    ['--format=ustar', 'tar'],
  ] as const) {
    const file = join(folder, `app.${suffix}`);
    execFileSync('tar', ['--exclude=.git', option, '-cf', file, '-C', folder, 'app.work']);
    revisions.push(await sources.fetch({ kind: 'archive', archive: { location: file, path: 'app.work' } }));
  }
  assert.deepEqual([...new Set(revisions.map(({ tree }) => tree))], [revisions[0]?.tree]);
  assert.equal((await readdir(join(home.root, 'sources', 'trees'))).length, 1);
  assert.equal((await sources.list()).length, revisions.length);
  rmSync(join(work, 'link'));
  const file = join(folder, 'app.zip');
  execFileSync('python3', ['-m', 'zipfile', '-c', file, 'a.yaml', 'lib'], { cwd: work });
  const zip = await sources.fetch({ kind: 'archive', archive: { location: file } });
  assert.equal(readFileSync(join(await sources.folder(zip), 'lib/é.txt'), 'utf8'), 'b\n');
});

test('archives by URL are held to their hash and fetched once', async (context) => {
  const { folder, sources } = await bench(context);
  writeFileSync(join(folder, 'a.yaml'), 'a\n');
  execFileSync('tar', ['-czf', join(folder, 'a.tgz'), '-C', folder, 'a.yaml']);
  const bytes = readFileSync(join(folder, 'a.tgz'));
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.tgz`;
  const sha256 = execFileSync('sha256sum', [join(folder, 'a.tgz')], { encoding: 'utf8' }).slice(0, 64);
  const good = await sources.fetch({ kind: 'archive', archive: { location, sha256 } });
  assert.deepEqual(await sources.fetch({ kind: 'archive', archive: { location, sha256 } }), good);
  assert.equal(asked, 1);
  await assert.rejects(sources.fetch({ kind: 'archive', archive: { location, sha256: '0'.repeat(64) } }), {
    code: 'SOURCE_HASH_MISMATCH',
  });
  await assert.rejects(sources.fetch({ kind: 'archive', archive: { location } }), { code: 'SOURCE_REFUSED' });
});

test('a stored source that was changed is noticed before it is used', async (context) => {
  const { folder, home, sources } = await bench(context);
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in', 'a'), 'a\n');
  const revision = await sources.fetch({ kind: 'folder', folder: { folder: join(folder, 'in') } });
  const trees = join(home.root, 'sources', 'trees');
  const [name = ''] = await readdir(trees);
  const other = execFileSync('zstd', ['-q', '-c'], { input: 'something else' });
  writeFileSync(join(trees, name), other);
  await assert.rejects(sources.folder(revision), { code: 'SOURCE_DAMAGED' });
  rmSync(join(trees, name));
  await assert.rejects(sources.folder(revision), { code: 'SOURCE_DAMAGED' });
});
