import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChangelogEntry,
  type Distribution,
  type PackageIdentity,
  type RepositorySnapshot,
  readPackagesIndex,
} from '../distro/index.ts';
import { findOutdated } from './outdated.ts';
import type { Finding } from './types.ts';

const trixie: Distribution = {
  name: 'debian/trixie',
  id: 'debian',
  versionId: '13',
  codename: 'trixie',
  prettyName: 'Debian 13',
};

const installed = (name: string, version: string, architecture = 'amd64', source = version): PackageIdentity => ({
  name,
  version,
  architecture,
  source: { name, version: source },
});

function snapshot(
  pocket: string,
  offers: readonly string[],
  more: Partial<RepositorySnapshot> = {},
): RepositorySnapshot {
  const id = `debian/trixie-${pocket}/main/amd64`;
  const text = offers
    .map((line) => {
      const [name, version, architecture = 'amd64'] = line.split(' ');
      return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: x\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`;
    })
    .join('\n');
  const security = pocket === 'security';
  const packages = readPackagesIndex(Buffer.from(text), { id, security });
  return {
    id,
    distribution: 'debian/trixie',
    pocket,
    suite: `trixie-${pocket}`,
    component: 'main',
    architecture: 'amd64',
    security,
    date: 1_700_000_000,
    releaseDigest: '0'.repeat(64),
    notAutomatic: false,
    packages,
    ...more,
  };
}

async function findings(
  packages: readonly PackageIdentity[],
  snapshots: readonly RepositorySnapshot[],
  changelog: readonly ChangelogEntry[] = [],
): Promise<readonly Finding[]> {
  const check = await findOutdated(
    { distribution: trixie, architecture: 'amd64', ecosystem: 'deb', packages },
    snapshots,
    {
      changelog: async () => changelog,
    },
  );
  assert.equal(check.kind, 'checked');
  return check.kind === 'checked' ? check.findings : [];
}

const short = (list: readonly Finding[]): string[] =>
  list.map((item) => `${item.package}:${item.arch} ${item.installed} → ${item.candidate} ${item.security}`).sort();

test('the highest version wins, never a downgrade, in Debian order', async () => {
  const found = await findings(
    [
      installed('a', '1.0-1'),
      installed('b', '2:0.1'),
      installed('c', '1.0'),
      installed('d', '1.0~rc1'),
      installed('gone', '1'),
    ],
    [
      snapshot('release', ['a 1.0-1', 'b 9.0', 'c 1.0', 'd 1.0']),
      snapshot('updates', ['a 1.0-1+deb13u1', 'a 1.0-1+b2']),
    ],
  );
  assert.deepEqual(short(found), ['a:amd64 1.0-1 → 1.0-1+deb13u1 false', 'd:amd64 1.0~rc1 → 1.0 false']);
});

test('a package may move between all and the native architecture; a foreign one stays', async () => {
  const found = await findings(
    [
      installed('a', '1', 'all'),
      installed('b', '1', 'amd64'),
      installed('c', '1', 'i386'),
      installed('d', '1', 'i386'),
    ],
    [
      snapshot('release', ['a 2 amd64', 'b 2 all', 'c 2 amd64', 'd 9 all']),
      snapshot('release', ['d 3 i386'], { architecture: 'i386' }),
    ],
  );
  assert.deepEqual(short(found), ['a:amd64 1 → 2 false', 'b:all 1 → 2 false', 'd:i386 1 → 3 false']);
});

test('security: by the candidate, by a version skipped, or by a changelog entry between', async () => {
  const entry = (version: string, distributions: string, advisories: readonly string[] = []): ChangelogEntry => ({
    source: 'a',
    version,
    distributions,
    urgency: 'medium',
    date: Number(version[0]) * 1000,
    advisories,
  });
  const a = [installed('a', '1')];
  const [direct] = await findings(a, [snapshot('release', ['a 2']), snapshot('security', ['a 2'])]);
  assert.deepEqual([direct?.security, direct?.repository], [true, 'debian/trixie-security/main/amd64']);
  const [skipped] = await findings(a, [snapshot('updates', ['a 3']), snapshot('security', ['a 2'])]);
  assert.deepEqual([skipped?.security, skipped?.repository], [true, 'debian/trixie-updates/main/amd64']);
  const [older] = await findings([installed('a', '2')], [snapshot('updates', ['a 3']), snapshot('security', ['a 2'])]);
  assert.equal(older?.security, false);
  const log = [
    entry('4', 'trixie'),
    entry('3', 'trixie', ['CVE-2026-10', 'CVE-2026-9']),
    entry('2', 'trixie-security', ['CVE-2026-10', 'CVE-2025-99999']),
    entry('1', 'unstable', ['CVE-2020-1']),
  ];
  const [point] = await findings(a, [snapshot('release', ['a 3'])], log);
  assert.equal(point?.security, true);
  assert.equal(point?.severity, 'important');
  assert.deepEqual(point?.advisories, ['CVE-2025-99999', 'CVE-2026-9', 'CVE-2026-10']);
  assert.equal(point?.since, new Date(2_000_000).toISOString());
});

test('without a changelog the repository’s date stands in', async () => {
  const [found] = await findings([installed('a', '1')], [snapshot('release', ['a 2'])]);
  assert.equal(found?.since, new Date(1_700_000_000_000).toISOString());
  const hostile = { source: 'a', version: '2', distributions: 'x', urgency: '', date: 1e15, advisories: [] };
  const [odd] = await findings([installed('a', '1')], [snapshot('release', ['a 2'])], [hostile]);
  assert.equal(odd?.since, new Date(0).toISOString());
});

test('one changelog is read for all binaries of a source, and binary rebuilds have none of their own', async () => {
  let calls = 0;
  const packages = [installed('a', '1+b1', 'amd64', '1'), installed('a', '1', 'i386')];
  const snapshots = [snapshot('release', ['a 1+b2', 'a 1+b2 i386'])];
  const check = await findOutdated(
    { distribution: trixie, architecture: 'amd64', ecosystem: 'deb', packages },
    snapshots,
    {
      changelog: async () => {
        calls += 1;
        return undefined;
      },
    },
  );
  assert.equal(check.kind === 'checked' && check.findings.length, 2);
  assert.equal(calls, 1);
});

test('what cannot be checked says why; repositories that ask to be left alone are', async () => {
  const one = {
    distribution: trixie,
    architecture: 'amd64',
    ecosystem: 'deb' as const,
    packages: [installed('a', '1')],
  };
  const newer = snapshot('backports', ['a 9'], { notAutomatic: true });
  assert.deepEqual(await findOutdated(one, [newer]), { kind: 'checked', findings: [] });
  for (const [contents, word] of [
    [{ ...one, distribution: undefined }, 'distribution'],
    [{ ...one, packages: [] }, 'package database'],
    [{ ...one, distribution: { ...trixie, name: 'debian/zurg' as const } }, 'debian/zurg'],
    [{ ...one, architecture: 'riscv64' }, 'riscv64'],
  ] as const) {
    const check = await findOutdated(contents, [newer]);
    assert.ok(check.kind === 'unsupported' && check.reason.includes(word));
  }
});
