import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineTransport } from './api.ts';
import { engineHostError } from './errors.ts';
import { listDespiteLost } from './lost-containers.ts';

const ID = 'a'.repeat(64);
const lost = (): Error =>
  engineHostError('ENGINE_HOST_REFUSED', `podman refused: getting container from store "${ID}": container not known`);

function played(running: boolean | undefined, gone: (removed: boolean, looks: number) => boolean) {
  const asked: string[] = [];
  let [looks, removed] = [0, false];
  const ask: EngineTransport['ask'] = async ({ method = 'GET', path }) => {
    asked.push(`${method} ${path}`);
    removed ||= method === 'DELETE';
    const body =
      running === undefined ? '{"message":"container not known"}' : JSON.stringify({ State: { Running: running } });
    return { status: running === undefined ? 500 : 200, body: Buffer.from(body) } as Awaited<ReturnType<typeof ask>>;
  };
  const list = async (): Promise<string> => {
    looks += 1;
    if (!gone(removed, looks)) throw lost();
    return 'listed';
  };
  return { asked, list: () => listDespiteLost(list, ask, 1) };
}

test('a container that somebody is removing is waited for; nothing is touched', async () => {
  const { asked, list } = played(undefined, (_, looks) => looks > 3);
  assert.equal(await list(), 'listed');
  assert.deepEqual(asked, []);
});

test('what a killed engine left of a container is removed; one that runs is not', async () => {
  for (const running of [undefined, false]) {
    const { asked, list } = played(running, (removed) => removed);
    assert.equal(await list(), 'listed');
    assert.deepEqual(asked, [`GET /containers/${ID}/json`, `DELETE /containers/${ID}?force=true`]);
  }
  const { asked, list } = played(true, (removed) => removed);
  await assert.rejects(list(), { code: 'ENGINE_HOST_REFUSED' });
  assert.deepEqual(asked, [`GET /containers/${ID}/json`]);
  await assert.rejects(played(undefined, () => false).list(), { code: 'ENGINE_HOST_REFUSED' });
});
