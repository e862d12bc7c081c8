import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import type { ContainerInspect, CreateBody } from './api-types.ts';
import { createOrShare } from './create-or-share.ts';
import { engineHostError } from './errors.ts';
import { Label } from './labels.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const BODY: CreateBody = { Image: 'x', HostConfig: {} };

/** An engine that has the name, as podman has that of a container which it was killed at creating. */
function engine(state: { taken: boolean; made?: Partial<ContainerInspect>; says?: string }) {
  const calls: string[] = [];
  return {
    calls,
    create: async () => {
      calls.push('create');
      if (state.taken) throw engineHostError('ENGINE_HOST_REFUSED', state.says ?? 'that name is already in use');
      return 'new';
    },
    inspect: async () => state.made as ContainerInspect | undefined,
    remove: async () => {
      calls.push('remove');
      state.taken = false;
    },
  };
}

test('a name that nobody has, and that is taken all the same, is freed', async () => {
  const left = engine({ taken: true });
  assert.equal(await createOrShare(left, 'web.next', BODY, DIGEST, 1), 'new');
  assert.deepEqual(left.calls.slice(-2), ['remove', 'create']);
  assert.ok(left.calls.filter((call) => call === 'create').length > 3, 'an engine still busy with it gets time first');
});

test('a container of the same rollout is shared, of another it is not, and other refusals are told', async () => {
  const labelled = (digest: string) => ({ Id: 'theirs', Config: { Labels: { [Label.digest]: digest } } });
  const same = engine({ taken: true, made: labelled(DIGEST) });
  assert.equal(await createOrShare(same, 'web.next', BODY, DIGEST, 1), 'theirs');
  for (const state of [{ made: labelled(`sha256:${'b'.repeat(64)}`) }, { says: 'no space left on device' }]) {
    const refusing = engine({ taken: true, ...state });
    await assert.rejects(createOrShare(refusing, 'web.next', BODY, DIGEST, 1), (error) =>
      isHeraklitError(error, 'ENGINE_HOST_REFUSED'),
    );
    assert.deepEqual(refusing.calls, ['create']);
  }
});
