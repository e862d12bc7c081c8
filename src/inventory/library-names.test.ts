import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileFinding } from '../language/index.ts';
import { libraryNamesOf } from './library-names.ts';

test('libraries by the name they give themselves; what can be no name is left out', () => {
  const finding = (path: string, facts: FileFinding['facts'], reader = 'elf'): FileFinding => ({
    reader,
    path,
    ...(facts === undefined ? {} : { facts }),
  });
  const found = libraryNamesOf([
    finding('usr/lib/liba.so.1', { class: 64, machine: 'x86_64', soname: 'liba.so.1' }),
    finding('usr/bin/app', { class: 64, machine: 'x86_64', needed: ['liba.so.1'] }),
    finding('usr/lib/b', { soname: '' }),
    finding('usr/lib/c', { soname: 'c\0d' }),
    finding('usr/lib/d', { soname: 'x'.repeat(1000) }),
    finding('usr/lib/e', { soname: '\ud800' }),
    finding('usr/lib/f', [1]),
    finding('usr/lib/g', undefined),
    finding('usr/lib/h', { soname: 'h' }, 'script'),
  ]);
  assert.deepEqual(found, [{ path: 'usr/lib/liba.so.1', soname: 'liba.so.1' }]);
});
