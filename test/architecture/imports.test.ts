import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { FOLDERS } from './folders.ts';

const SRC = resolve(import.meta.dirname, '../../src');
/** Static, type and dynamic imports and re-exports with a relative path. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)['"](\.[^'"]+)['"]/g;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const edges = files.flatMap((file) =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(IMPORT)].map((match) => ({
    from: file,
    to: relative(SRC, resolve(SRC, dirname(file), match[1] as string)),
  })),
);
const folderOf = (file: string): string => file.split('/')[0] as string;

test('every folder of src has a place in the order', () => {
  const unknown = [...new Set(files.map(folderOf))].filter((folder) => !FOLDERS.includes(folder as never));
  assert.deepEqual(unknown, []);
});

test('a folder imports only folders before it, types included', () => {
  const wrong = edges.filter(
    ({ from, to }) =>
      folderOf(from) !== folderOf(to) &&
      FOLDERS.indexOf(folderOf(to) as never) >= FOLDERS.indexOf(folderOf(from) as never),
  );
  assert.deepEqual(wrong, []);
});

test('another folder is entered through its index.ts', () => {
  const wrong = edges.filter(
    ({ from, to }) =>
      folderOf(from) !== folderOf(to) && to !== join(folderOf(to), 'index.ts') && !/\/index\.ts$/.test(to),
  );
  assert.deepEqual(wrong, []);
});

test('no import leaves src', () => {
  assert.deepEqual(
    edges.filter(({ to }) => to.startsWith('..') && !to.endsWith('package.json') && !to.startsWith('../data/')),
    [],
  );
});

test('no cycles between files', () => {
  const next = Map.groupBy(edges, (edge) => edge.from);
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    for (const edge of next.get(file) ?? []) visit(edge.to, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(cycles, []);
});

test('no folder is a dumping ground', () => {
  const names = files.filter((file) => /(?:^|\/)(?:utils?|common|helpers?|misc)(?:\/|\.ts$)/.test(file));
  assert.deepEqual(names, []);
});

test('index files export names explicitly', () => {
  const wild = files.filter(
    (file) => file.endsWith('index.ts') && /export\s+(?:type\s+)?\*/.test(readFileSync(join(SRC, file), 'utf8')),
  );
  assert.deepEqual(wild, []);
});

test('the ten longest files (information only)', (context) => {
  const lengths = files
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => ({ file, lines: readFileSync(join(SRC, file), 'utf8').split('\n').length }))
    .sort((a, b) => b.lines - a.lines);
  for (const { file, lines } of lengths.slice(0, 10)) context.diagnostic(`${lines} ${file}`);
});
