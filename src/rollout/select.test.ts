import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import type { Digest } from '../oci/index.ts';
import type { Workload } from '../runtime/index.ts';
import { repositoryOf, selectSlots } from './select.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [OLD, NEW] = [digestOf('1'), digestOf('2')];
const at = (digest: Digest, repository = 'registry.example/shop/web'): string => `${repository}@${digest}`;

test('only matching containers of a pod change', () => {
  const container = (name: string, repository: string) => ({ name, image: at(OLD, repository), digest: undefined });
  const containers = [container('web', 'registry.example/shop/web'), container('proxy', 'registry.example/proxy')];
  const pod: Workload = {
    id: 'k',
    kind: 'Deployment',
    name: 'shop',
    namespace: 'x',
    image: '',
    digest: undefined,
    containers,
    replicas: 2,
  };
  const slots = selectSlots([pod], { image: at(NEW), digest: NEW }, ['x/shop'], new Set());
  assert.deepEqual(
    slots.map((slot) => slot.container),
    ['web'],
  );
  const named = { image: at(NEW), digest: NEW, container: 'proxy' };
  assert.deepEqual(
    selectSlots([pod], named, ['x/shop'], new Set()).map((slot) => slot.container),
    ['proxy'],
  );
  assert.throws(
    () => selectSlots([pod], { ...named, container: 'db' }, ['x/shop'], new Set()),
    (error) => isHeraklitError(error, 'ROLLOUT_WORKLOAD_UNKNOWN') && /web, proxy/.test(error.hint ?? ''),
  );
  assert.equal(repositoryOf('host:5000/a/b:tag@sha256:x'), 'host:5000/a/b');
  assert.equal(repositoryOf('host:5000/a'), 'host:5000/a');
});
