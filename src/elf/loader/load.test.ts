import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LinkFacts } from '../link-facts.ts';
import { Loader, type LoaderRoot, realPath } from './index.ts';

type Node = string | { readonly text: string } | Partial<LinkFacts>;

const GLIBC = '/lib64/ld-linux-x86-64.so.2';
const MUSL = '/lib/ld-musl-x86_64.so.1';

/** Links as text, settings as `{ text }`, programs as their facts. */
function rootOf(files: Readonly<Record<string, Node>>): LoaderRoot {
  const at = (path: string): Node | undefined => files[path];
  return {
    linkAt: (path) => {
      const node = at(path);
      return typeof node === 'string' ? node : undefined;
    },
    has: (path) => Object.keys(files).some((one) => one === path || one.startsWith(`${path}/`)),
    facts: (path) => {
      const node = at(path);
      if (node === undefined || typeof node === 'string' || 'text' in node) return undefined;
      return { class: 64, machine: 'x86_64', ...node };
    },
    text: (path) => {
      const node = at(path);
      return typeof node === 'object' && 'text' in node ? node.text : undefined;
    },
    list: (folder) =>
      Object.keys(files)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1))
        .sort(),
  };
}

function load(files: Readonly<Record<string, Node>>, environment: readonly string[] = [], program = 'bin/app') {
  const { objects, missing } = new Loader(rootOf(files), { environment }).load(program);
  return { found: objects.slice(1).map(({ path }) => path), missing: missing.map(({ name }) => name) };
}

const base = { 'lib64/ld-linux-x86-64.so.2': { soname: 'ld-linux-x86-64.so.2' } };
const app = (facts: Partial<LinkFacts>) => ({ interpreter: GLIBC, needed: ['liba.so'], ...facts });
const LD = 'lib64/ld-linux-x86-64.so.2';

test('RPATH is inherited, RUNPATH is not and comes after LD_LIBRARY_PATH', () => {
  const libraries = { 'r/liba.so': { needed: ['libb.so'] }, 'r/libb.so': {}, 'e/liba.so': {}, 'usr/lib/libb.so': {} };
  const files = { ...base, ...libraries };
  assert.deepEqual(load({ ...files, 'bin/app': app({ rpath: ['/r'] }) }).found, ['r/liba.so', 'r/libb.so', LD]);
  assert.deepEqual(load({ ...files, 'bin/app': app({ runpath: ['/r'] }) }).found, ['r/liba.so', 'usr/lib/libb.so', LD]);
  const environment = ['LD_LIBRARY_PATH=/e'];
  assert.deepEqual(load({ ...files, 'bin/app': app({ runpath: ['/r'] }) }, environment).found, ['e/liba.so', LD]);
  assert.deepEqual(load({ ...files, 'bin/app': app({ rpath: ['/r'] }) }, environment).found[0], 'r/liba.so');
  // RPATH of a file that has RUNPATH does not count.
  assert.deepEqual(load({ ...files, 'bin/app': app({ rpath: ['/r'], runpath: ['/x'] }) }).missing, ['liba.so']);
});

test('$ORIGIN is where the program lies, links followed; of a library where it was found', () => {
  const files = {
    ...base,
    'bin/app': '../opt/x/bin/app',
    'opt/x/bin/app': app({ runpath: ['$ORIGIN/../lib'] }),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the loader's own spelling
    'opt/x/lib/liba.so': { runpath: ['${ORIGIN}/more'], needed: ['libb.so'] },
    'opt/x/lib/more/libb.so': {},
  };
  assert.deepEqual(load(files).found, ['opt/x/lib/liba.so', 'opt/x/lib/more/libb.so', LD]);
});

test('ld.so.conf with includes counts once ldconfig ran; a library of another machine is passed over', () => {
  const files = {
    ...base,
    'bin/app': app({}),
    'etc/ld.so.conf': { text: '# x\ninclude ld.so.conf.d/*.conf\n' },
    'etc/ld.so.conf.d/a.conf': { text: '/opt/32\n/opt/a # y\n' },
    'etc/ld.so.conf.d/b.txt': { text: '/opt/b\n' },
    'opt/32/liba.so': { class: 32, machine: 'i386' } as const,
    'opt/a/liba.so': 'liba.so.1',
    'opt/a/liba.so.1': {},
    'opt/b/liba.so': {},
  };
  assert.deepEqual(load(files).missing, ['liba.so']);
  assert.deepEqual(load({ ...files, 'etc/ld.so.cache': { text: '' } }).found, ['opt/a/liba.so.1', LD]);
});

test('libraries for better processors are named beside the plain one', () => {
  const files = {
    ...base,
    'bin/app': app({}),
    'usr/lib/x86_64-linux-gnu/liba.so': {},
    'usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/liba.so': {},
  };
  const [, library] = new Loader(rootOf(files)).load('bin/app').objects;
  assert.deepEqual(library?.variants, ['usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/liba.so']);
});

test('musl: its own names, its path file, RUNPATH inherited', () => {
  const files = {
    'lib/ld-musl-x86_64.so.1': { soname: 'libc.musl-x86_64.so.1' },
    'bin/app': {
      interpreter: MUSL,
      needed: ['libc.so', 'libc.musl-x86_64.so.1', 'liba.so'],
      runpath: ['$ORIGIN/../r'],
    },
    'r/liba.so': { needed: ['libb.so', 'libd.so'] },
    'r/libb.so': {},
    'usr/lib/libd.so': {},
    'opt/libd.so': {},
  };
  const linker = 'lib/ld-musl-x86_64.so.1';
  assert.deepEqual(load(files), { found: ['r/liba.so', 'r/libb.so', 'usr/lib/libd.so', linker], missing: [] });
  const own = { ...files, 'etc/ld-musl-x86_64.path': { text: '/opt\n/usr/lib' } };
  assert.deepEqual(load(own).found, ['r/liba.so', 'r/libb.so', 'opt/libd.so', linker]);
});

test('links in circles and out of the root end', () => {
  const files: Readonly<Record<string, string>> = { a: 'b', b: 'a', c: '../../../etc/d', e: `${'x/'.repeat(9000)}` };
  const linkAt = (path: string): string | undefined => files[path];
  assert.equal(realPath(linkAt, 'a'), undefined);
  assert.equal(realPath(linkAt, 'c'), 'etc/d');
  assert.equal(realPath(linkAt, 'e'), undefined);
});

test('whatever files say, loading ends', () => {
  const names = fc.constantFrom('a', '/a', 'lib/b', '$ORIGIN/b', '', '..', '$LIB', '${ORIGIN', 'b');
  const facts = fc.record({ needed: fc.array(names), rpath: fc.array(names), soname: names, interpreter: names });
  const node = fc.oneof(
    names,
    facts,
    names.map((text) => ({ text: `include ${text}\n${text}` })),
  );
  const paths = fc.constantFrom('a', 'b', 'lib/b', 'usr/lib/a', 'etc/ld.so.conf', 'etc/ld.so.cache');
  fc.assert(
    fc.property(fc.dictionary(paths, node), (files) => {
      const { objects } = new Loader(rootOf(files)).load('a');
      assert.equal(new Set(objects.map(({ path }) => path)).size, objects.length);
    }),
  );
});
