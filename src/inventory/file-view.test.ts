import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { followLinks } from './file-view.ts';

const links = (map: Record<string, string>) => async (path: string) => map[path];

test('links are followed as if the root were /', async () => {
  assert.equal(
    await followLinks('etc/os-release', links({ 'etc/os-release': '../usr/lib/os-release' })),
    'usr/lib/os-release',
  );
  assert.equal(await followLinks('lib/dpkg/status', links({ lib: '/usr/lib' })), 'usr/lib/dpkg/status');
  assert.equal(await followLinks('a/b', links({ a: '../../../../etc', 'etc/b': './c' })), 'etc/c');
  assert.equal(await followLinks('a', links({ a: 'b', b: 'a' })), undefined);
});

test('no link leads out of the root or round for ever', async () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const target = fc
    .tuple(fc.boolean(), fc.array(fc.constantFrom('a', 'b', 'c', '..', '.', ''), { minLength: 1, maxLength: 5 }))
    .map(([absolute, parts]) => `${absolute ? '/' : ''}${parts.join('/')}`);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, target), fc.array(name, { minLength: 1, maxLength: 4 }), async (map, path) => {
      const found = await followLinks(path.join('/'), links(map));
      if (found === undefined) return;
      assert.ok(!found.startsWith('/'));
      assert.ok(!found.split('/').includes('..'));
    }),
  );
});
