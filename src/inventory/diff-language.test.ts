import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffImages } from './diff.ts';
import { inspectImage } from './inspect-image.ts';
import { memoryImage } from './testing/memory-image.ts';

const npm = (folder: string, name: string, version: string) => ({
  [`${folder}/node_modules/${name}/package.json`]: JSON.stringify({ name, version }),
});

test('packages of languages by their own order; several versions side by side are paired', async () => {
  const one = await inspectImage(
    memoryImage([
      {
        ...npm('a', 'up', '1.9.0'),
        ...npm('b', 'up', '2.0.0'),
        ...npm('a', 'down', '1.0.0'),
        ...npm('a', 'same', '1.0.0'),
        ...npm('a', 'gone', '1.0.0'),
        'x.egg-info': 'Name: up\nVersion: 1.0\n',
      },
    ]),
  );
  const two = await inspectImage(
    memoryImage([
      {
        ...npm('a', 'up', '1.10.0'),
        ...npm('b', 'up', '2.0.0'),
        ...npm('c', 'up', '3.0.0'),
        ...npm('a', 'down', '1.0.0-rc.1'),
        ...npm('elsewhere', 'same', '1.0.0'),
        'x.egg-info': 'Name: up\nVersion: 1.0.post1\n',
        'yarn.lock': 'gone@1:\n  version "1.0.0"\n',
      },
    ]),
  );
  const { languagePackages, identical } = diffImages(one, two);
  assert.deepEqual(languagePackages, {
    added: [{ ecosystem: 'npm', name: 'up', version: '3.0.0' }],
    removed: [{ ecosystem: 'npm', name: 'gone', version: '1.0.0' }],
    upgraded: [
      { ecosystem: 'npm', name: 'up', from: '1.9.0', to: '1.10.0' },
      { ecosystem: 'pypi', name: 'up', from: '1.0', to: '1.0.post1' },
    ],
    downgraded: [{ ecosystem: 'npm', name: 'down', from: '1.0.0', to: '1.0.0-rc.1' }],
  });
  assert.equal(identical, false);
});
