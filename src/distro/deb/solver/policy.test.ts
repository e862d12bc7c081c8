import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RepositorySnapshot } from '../../types.ts';
import { readPackagesIndex } from '../packages-index.ts';
import { createUniverse, isNamed, type PackagePin, type PackageRequest, type SolveOptions, solve } from './index.ts';

const SHA = '0'.repeat(64);

/** `name version depends`: packages of one pocket. */
function pocket(name: string, lines: readonly string[], more: Partial<RepositorySnapshot> = {}): RepositorySnapshot {
  const id = `debian/${name}/main/amd64`;
  const stanzas = lines.map((line) => {
    const [item, version, depends] = line.split(/ (?=\S)/, 3);
    const known = `Package: ${item}\nVersion: ${version}\nArchitecture: amd64\nSource: src-${item}\nFilename: p/${item}\nSHA256: ${SHA}\n`;
    return `${known}${depends === undefined ? '' : `Depends: ${depends}\n`}`;
  });
  return {
    ...{
      id,
      distribution: 'debian/test',
      pocket: name,
      suite: `test-${name}`,
      component: 'main',
      architecture: 'amd64',
    },
    ...{ security: name === 'security', date: 0, releaseDigest: SHA, notAutomatic: false },
    packages: readPackagesIndex(Buffer.from(stanzas.join('\n')), { id, security: false }),
    ...more,
  };
}

const POCKETS = [
  pocket('release', ['a 1', 'b 1 a', 'c 1 a|b', 'd 5']),
  pocket('security', ['a 2', 'd 5']),
  pocket('backports', ['a 3', 'b 3 a'], { notAutomatic: true, butAutomaticUpgrades: true }),
];

function versions(
  requests: readonly PackageRequest[],
  pins: readonly PackagePin[] = [],
  excluded: readonly string[] = [],
  more: Partial<SolveOptions> = {},
): readonly string[] | string {
  const solved = solve({
    universe: createUniverse(POCKETS),
    ...{ installed: [], requests, architecture: 'amd64', recommends: false, essential: false },
    ...(pins.length + excluded.length === 0 ? {} : { preferences: { pins, excluded } }),
    ...more,
  });
  if (solved.kind === 'conflict') return solved.chain.join('; ');
  if (solved.kind === 'unknown-package') return `unknown ${solved.name} ${solved.wanted ?? ''}`;
  return solved.packages.map(({ name, version }) => `${name}=${version}`);
}

const A = { name: 'a' } as const;

test('pins choose versions as apt_preferences(5) says', () => {
  assert.deepEqual(versions([A]), ['a=2']);
  const pin = (more: Omit<PackagePin, 'packages'>, packages = ['a']): PackagePin => ({ packages, ...more });
  assert.deepEqual(versions([A], [pin({ repository: 'release', priority: 990 })]), ['a=1']);
  assert.deepEqual(versions([A], [pin({ suite: 'test-back*', priority: 500 })]), ['a=3'], 'equal priority: the newest');
  assert.deepEqual(versions([A], [pin({ version: '1*', priority: 501 })]), ['a=1']);
  assert.deepEqual(versions([A], [pin({ repository: 'security', priority: -1 })]), ['a=1']);
  assert.deepEqual(versions([A], [pin({ repository: 'release', priority: 990 }, ['src:src-a'])]), ['a=1']);
  assert.deepEqual(versions([A], [pin({ component: 'contrib', priority: 990 })]), ['a=2']);
  const general = pin({ repository: 'release', priority: 990 }, ['*']);
  assert.deepEqual(versions([A], [general]), ['a=1']);
  assert.deepEqual(versions([A], [general, pin({ repository: 'security', priority: 995 })]), ['a=2']);
  assert.deepEqual(versions([A], [general, pin({ repository: 'backports', priority: 1 })]), ['a=1']);
  const twice = [pin({ repository: 'release', priority: 700 }), pin({ version: '*', priority: -1 })];
  assert.deepEqual(versions([A], twice), ['a=1'], 'the first that fits decides');
  // A version that two pockets offer has the higher priority of both.
  const never = pin({ repository: 'release', priority: -1 }, ['*']);
  assert.deepEqual(versions([{ name: 'd' }], [never]), ['d=5']);
});

test('a present version is only taken back from a priority of 1000 on', () => {
  const [release, security] = POCKETS as [RepositorySnapshot, RepositorySnapshot];
  const installed = security.packages.filter(({ name }) => name === 'a');
  const pin = (priority: number): PackagePin => ({ packages: ['a'], repository: 'release', priority });
  assert.deepEqual(versions([A], [pin(999)], [], { installed }), []);
  assert.deepEqual(versions([A], [pin(1000)], [], { installed }), ['a=1']);
  assert.deepEqual(versions([A], [], ['a'], { installed: release.packages.filter(({ name }) => name === 'a') }), []);
});

test('constraints of a request take the best version within them', () => {
  const within = (operator: '<<' | '>=' | '>>' | '<=', version: string): PackageRequest => ({
    name: 'a',
    constraints: [{ operator, version }],
  });
  assert.deepEqual(versions([within('>=', '1')]), ['a=2']);
  assert.deepEqual(versions([within('<<', '2')]), ['a=1']);
  assert.deepEqual(versions([within('>>', '2')]), ['a=3']);
  assert.equal(versions([within('>>', '3')]), 'unknown a (>> 3)');
  const both = { name: 'a', constraints: [within('>=', '1.5'), within('<<', '3')].flatMap((r) => r.constraints ?? []) };
  assert.deepEqual(versions([both]), ['a=2']);
  assert.deepEqual(versions([{ name: 'b' }, within('<=', '1')]), ['a=1', 'b=1']);
});

test('what is excluded is not installed, neither for a dependency nor as an alternative', () => {
  const chain = 'c 1 is requested; c 1 has Depends: a | b; b 1 has Depends: a, but a is excluded, or pins leave none';
  assert.equal(versions([{ name: 'c' }], [], ['a']), `${chain} of its versions`);
  const never = [{ packages: ['a'], version: '*', priority: -1 }];
  assert.equal(versions([A], never), 'a is requested; pins leave none of its versions (3, 2, 1)');
  assert.deepEqual(versions([{ name: 'd' }], [], ['a']), ['d=5']);
});

test('patterns mean names, and sources after src:', () => {
  const item = { name: 'libssl3', source: 'openssl' };
  assert.ok(isNamed(['libssl*'], item) && isNamed(['lib?sl3'], item) && isNamed(['src:open*'], item));
  assert.ok(!isNamed(['libssl'], item) && !isNamed(['openssl'], item) && !isNamed(['src:libssl3', 'lib.sl3'], item));
});
