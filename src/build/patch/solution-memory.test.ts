import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RepositoryPackage, RepositorySnapshot } from '../../distro/index.ts';
import type { LayerIndex } from '../../oci/index.ts';
import { createSolutionMemory } from './solution-memory.ts';

const folder = await mkdtemp(join(tmpdir(), 'solutions-'));
after(() => rm(folder, { recursive: true, force: true }));
const offer = (repository: string, sha256: string) => ({ repository, sha256 }) as RepositoryPackage;
const [a, b, other] = [offer('release', 'a'), offer('security', 'b'), offer('updates', 'b')];
const snapshot = (id: string, releaseDigest: string, packages: readonly RepositoryPackage[]) =>
  ({ id, releaseDigest, packages }) as RepositorySnapshot;
const layer = (digit: string, path: string) =>
  ({
    ...{ diffId: `sha256:${digit.repeat(64)}`, whiteouts: [], opaques: [], bytes: 0 },
    entries: [{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 }],
  }) as LayerIndex;

test('the same question is solved once', async () => {
  const memory = createSolutionMemory(folder);
  const question = {
    ...{ indexes: [layer('1', 'etc/x')], architecture: 'amd64' },
    snapshots: [
      snapshot('release', '1', [a, offer('release', 'c')]),
      snapshot('updates', '2', [other]),
      snapshot('security', '3', [b]),
    ],
    requests: [{ name: 'p', version: '1', architecture: 'amd64' }],
  };
  let solved = 0;
  const ask = (more: Partial<typeof question> = {}) =>
    memory.upgrades({ ...question, ...more }, () => {
      solved += 1;
      return [b, a];
    });
  for (let times = 0; times < 2; times += 1) assert.deepEqual(await ask(), [b, a]);
  assert.deepEqual(
    (await ask({ indexes: [...question.indexes, layer('2', 'app/x')] })).map((pkg) => pkg === b),
    [true, false],
  );
  assert.equal(solved, 1);
  const { snapshots, requests } = question;
  await ask({ indexes: [layer('3', 'etc/x')] });
  await ask({ architecture: 'i386' });
  await ask({ requests: [...requests, { name: 'q', version: '1', architecture: 'amd64' }] });
  await ask({ snapshots: [snapshot('release', '9', [a]), ...snapshots.slice(1)] });
  assert.equal(solved, 5);
  for (const damage of ['', '[', '[]', '{}', '[["release","z"]]', 'null', '[[1]]']) {
    for (const name of await readdir(folder)) await writeFile(join(folder, name), damage);
    assert.deepEqual(await ask(), [b, a], damage);
  }
  assert.equal(solved, 12);
});
