import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DATABASE, type PackageEcosystem } from '../../src/distro/index.ts';

/** What an implementation brings to the suite. */
export interface EcosystemSamples {
  readonly ecosystem: PackageEcosystem;
  /** Database files of a root with at least two packages, one of them broken off in the middle. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `name version architecture` of the readable packages. */
  readonly installed: readonly string[];
  /** Paths that are not part of a database. */
  readonly foreignPaths: readonly string[];
  /** Strictly ascending. */
  readonly ladder: readonly string[];
}

const glob = (place: string): RegExp => new RegExp(`^${place.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`);

/** The suite that every family of distributions passes. */
export function ecosystemContract({ ecosystem, files, installed, foreignPaths, ladder }: EcosystemSamples): void {
  const { id } = ecosystem;

  test(`${id}: knows its database files and no others`, () => {
    for (const path of files.keys()) {
      assert.ok(ecosystem.isDatabasePath(path), path);
      assert.ok(
        ecosystem.capturedPaths.some((pattern) => pattern.test(path)),
        path,
      );
      assert.ok(
        ecosystem.databasePaths.some((place) => glob(place).test(path)),
        path,
      );
    }
    for (const path of foreignPaths) assert.ok(!ecosystem.isDatabasePath(path), path);
  });

  test(`${id}: reads what is readable and lists what is not`, () => {
    const foreign = new Map(foreignPaths.map((path) => [path, Buffer.from('Package: foreign\n')]));
    const { packages, problems } = ecosystem.readDatabase(new Map([...files, ...foreign]));
    assert.deepEqual(
      packages.map((one) => `${one.name} ${one.version} ${one.architecture}`),
      installed,
    );
    assert.ok(problems.length > 0);
    for (const one of packages) assert.ok(one.source.name !== '' && one.source.version !== '');
  });

  test(`${id}: an absent or empty database is no package`, () => {
    assert.deepEqual(ecosystem.readDatabase(new Map()), NO_DATABASE);
    const empty = new Map([...files.keys()].map((path) => [path, new Uint8Array()]));
    assert.deepEqual(ecosystem.readDatabase(empty).packages, []);
  });

  test(`${id}: orders versions, and operators agree with the order`, () => {
    for (const [i, a] of ladder.entries()) {
      for (const [j, b] of ladder.entries()) {
        assert.equal(Math.sign(ecosystem.compareVersions(a, b)), Math.sign(i - j), `${a} ? ${b}`);
        assert.equal(ecosystem.satisfies(a, '<<', b), i < j);
        assert.equal(ecosystem.satisfies(a, '>=', b), i >= j);
        assert.equal(ecosystem.satisfies(a, '=', b), i === j);
      }
    }
  });
}
