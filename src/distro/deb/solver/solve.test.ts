import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../../base/index.ts';
import type { RepositoryPackage, RepositorySnapshot } from '../../types.ts';
import { readPackagesIndex } from '../packages-index.ts';
import { createUniverse, solve, solveOrThrow } from './index.ts';

const SHA = '0'.repeat(64);

/** `stanzas`: one package each, `name version` on the first line, then fields. */
function snapshot(stanzas: readonly string[], options: Partial<RepositorySnapshot> = {}): RepositorySnapshot {
  const text = stanzas
    .map((stanza) => {
      const [head = '', ...fields] = stanza.split('\n').map((line) => line.trim());
      const [name = '', version = '1'] = head.split(' ');
      const known = [
        `Package: ${name}`,
        `Version: ${version}`,
        'Architecture: amd64',
        `SHA256: ${SHA}`,
        `Filename: p/${name}`,
      ];
      return [...known, ...fields].join('\n');
    })
    .join('\n\n');
  const id = options.id ?? 'test/main';
  return {
    id,
    distribution: 'debian/test',
    pocket: 'release',
    suite: 'test',
    component: 'main',
    architecture: 'amd64',
    security: false,
    date: 0,
    releaseDigest: SHA,
    notAutomatic: false,
    packages: readPackagesIndex(new TextEncoder().encode(`${text}\n`), { id, security: false }),
    ...options,
  };
}

function ask(stanzas: readonly string[], names: readonly string[], options: object = {}) {
  return solve({
    universe: createUniverse([snapshot(stanzas)]),
    installed: [],
    requests: names.map((name) => ({ name })),
    architecture: 'amd64',
    recommends: false,
    essential: false,
    ...options,
  });
}

function namesOf(solution: ReturnType<typeof solve>): string[] {
  assert(solution.kind === 'solved', JSON.stringify(solution));
  return solution.packages.map(({ name, version }) => (version === '1' ? name : `${name}=${version}`));
}

const chainOf = (solution: ReturnType<typeof solve>): readonly string[] =>
  solution.kind === 'conflict' ? solution.chain : assert.fail(`not a conflict: ${JSON.stringify(solution)}`);

test('follows Pre-Depends and Depends, Recommends only when asked', () => {
  const index = ['a 1\nDepends: b\nPre-Depends: c\nRecommends: d', 'b', 'c', 'd'];
  assert.deepEqual(namesOf(ask(index, ['a'])), ['a', 'b', 'c']);
  assert.deepEqual(namesOf(ask(index, ['a'], { recommends: true })), ['a', 'b', 'c', 'd']);
});

test('an alternative already chosen is kept, else the first installable one is taken', () => {
  const index = ['a 1\nDepends: x | y', 'x', 'y', 'b 1\nDepends: nope | y', 'needs-y 1\nDepends: y'];
  assert.deepEqual(namesOf(ask(index, ['a'])), ['a', 'x']);
  assert.deepEqual(namesOf(ask(index, ['a', 'y'])), ['a', 'y']);
  assert.deepEqual(namesOf(ask(index, ['b'])), ['b', 'y']);
});

test('an alternative that turns out impossible is taken back with what it dragged in', () => {
  const index = ['a 1\nDepends: x | y', 'x 1\nDepends: helper, deep', 'helper', 'deep 1\nDepends: nope', 'y'];
  assert.deepEqual(namesOf(ask(index, ['a'])), ['a', 'y']);
});

test('virtual packages: the real name first, then priority; versioned relations need versioned provides', () => {
  const index = [
    'a 1\nDepends: mta',
    'exim 1\nPriority: optional\nProvides: mta',
    'mail 1\nPriority: standard\nProvides: mta',
    'b 1\nDepends: api (>= 2)',
    'old 1\nProvides: api',
    'new 1\nProvides: api (= 3)',
  ];
  assert.deepEqual(namesOf(ask(index, ['a'])), ['a', 'mail']);
  assert.deepEqual(namesOf(ask(index, ['b'])), ['b', 'new']);
});

test('name:any is met only by Multi-Arch: allowed', () => {
  const index = ['a 1\nDepends: p:any', 'p 1\nMulti-Arch: allowed', 'b 1\nDepends: q:any', 'q'];
  assert.deepEqual(namesOf(ask(index, ['a'])), ['a', 'p']);
  assert.equal(ask(index, ['b']).kind, 'conflict');
});

test('a request for one version, NotAutomatic repositories, the highest version otherwise', () => {
  const universe = createUniverse([
    snapshot(['a 1', 'a 2']),
    snapshot(['a 3', 'only 9'], { id: 'backports', notAutomatic: true }),
  ]);
  const options = { universe, installed: [], architecture: 'amd64', recommends: false, essential: false };
  assert.deepEqual(namesOf(solve({ ...options, requests: [{ name: 'a' }] })), ['a=2']);
  assert.deepEqual(namesOf(solve({ ...options, requests: [{ name: 'a', version: '3' }] })), ['a=3']);
  assert.deepEqual(namesOf(solve({ ...options, requests: [{ name: 'only' }] })), ['only=9']);
  const missing = solve({ ...options, requests: [{ name: 'a', version: '4' }] });
  assert.deepEqual(missing, { kind: 'unknown-package', name: 'a', wanted: '4', nearest: ['3', '2', '1'] });
});

test('essential packages are requested too, and say so', () => {
  const solution = ask(['base 1\nEssential: yes\nDepends: lib', 'lib', 'a'], ['a'], { essential: true });
  assert.deepEqual(namesOf(solution), ['a', 'base', 'lib']);
  assert(solution.kind === 'solved');
  assert.deepEqual(solution.reasons.get('lib'), [
    { package: undefined, field: 'Essential', wants: 'base' },
    { package: 'base', field: 'Depends', wants: 'lib' },
  ]);
});

test('present packages stay, are upgraded where needed, and go where they conflict', () => {
  const before = snapshot(['lib 1', 'app 1\nDepends: lib (= 1)', 'rival', 'other']).packages as RepositoryPackage[];
  const index = ['lib 2', 'app 2\nDepends: lib (= 2)', 'tool 1\nDepends: lib (>= 2)', 'taker 1\nConflicts: rival'];
  const upgrade = ask(index, ['tool'], { installed: before });
  assert.deepEqual(namesOf(upgrade), ['app=2', 'lib=2', 'tool']);
  const swap = ask(index, ['taker'], { installed: before });
  assert.deepEqual(namesOf(swap), ['taker']);
  assert.deepEqual(swap.kind === 'solved' && swap.removed, ['rival']);
});

test('a conflict names packages, versions and the relation that cannot be met', () => {
  const index = ['a 1\nDepends: b', 'b 2\nDepends: lib (>= 5)', 'lib 4', 'c 1\nConflicts: d', 'd'];
  assert.deepEqual(chainOf(ask(index, ['a'])), [
    'a 1 is requested',
    'a 1 has Depends: b',
    'b 2 has Depends: lib (>= 5), but lib is there only as 4',
  ]);
  assert.match(chainOf(ask(index, ['c', 'd'])).join('; '), /c 1 has Conflicts: d, and d 1 is needed/);
  const deep = ask([...index, 'e 1\nDepends: d'], ['c', 'e']);
  assert.match(chainOf(deep).join('; '), /c 1.* has Conflicts: d/);
});

test('unknown names bring the nearest ones; a virtual name its providers', () => {
  const index = ['nginx', 'nginx-light', 'openssl', 'exim 1\nProvides: mta', 'postfix 1\nProvides: mta'];
  assert.deepEqual(ask(index, ['ngnix']), { kind: 'unknown-package', name: 'ngnix', nearest: ['nginx'] });
  assert.deepEqual(ask(index, ['mta']), { kind: 'unknown-package', name: 'mta', nearest: ['exim', 'postfix'] });
  assert.equal(ask(index, ['']).kind, 'unknown-package');
});

test('solveOrThrow: coded errors', () => {
  const index = ['a 1\nDepends: nope'];
  const options = {
    universe: createUniverse([snapshot(index)]),
    installed: [],
    architecture: 'amd64',
    recommends: false,
    essential: false,
  };
  const code = (wanted: string) => (error: unknown) => isHeraklitError(error, wanted);
  assert.throws(() => solveOrThrow({ ...options, requests: [{ name: 'zzz' }] }), code('SOLVE_UNKNOWN_PACKAGE'));
  assert.throws(() => solveOrThrow({ ...options, requests: [{ name: 'a' }] }), code('SOLVE_CONFLICT'));
});

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const relation = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('', ' (>= 1)', ' (>= 2)', ' (= 1)'))
  .map(([name, version]) => `${name}${version}`);
const field = (name: string) =>
  fc.array(relation, { maxLength: 2 }).map((list) => (list.length === 0 ? [] : [`${name}: ${list.join(' | ')}`]));
const negative = fc.option(fc.constantFrom(...NAMES), { freq: 4 });
const anyPackage = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('1', '2'), field('Depends'), field('Pre-Depends'), negative)
  .map(([name, version, depends, preDepends, conflicts]) =>
    [`${name} ${version}`, ...depends, ...preDepends, ...(conflicts === null ? [] : [`Conflicts: ${conflicts}`])].join(
      '\n',
    ),
  );

test('whatever the index: it ends, a solution holds the requests, and every dependency in it is met', () => {
  fc.assert(
    fc.property(fc.array(anyPackage, { maxLength: 14 }), fc.subarray(NAMES, { minLength: 1 }), (index, names) => {
      const solution = ask(index, names);
      if (solution.kind !== 'solved') return;
      const chosen = new Map(solution.packages.map((found) => [found.name, found]));
      assert(names.every((name) => chosen.has(name)));
      for (const { relations } of chosen.values()) {
        for (const group of [...relations.depends, ...relations.preDepends]) {
          assert(group.some(({ name }) => chosen.has(name)));
        }
      }
      for (const { name, relations } of chosen.values()) {
        for (const group of relations.conflicts)
          assert(!group.some((bad) => bad.name !== name && chosen.has(bad.name)));
      }
    }),
    { numRuns: 300 },
  );
});
