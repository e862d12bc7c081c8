import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  formatRelations,
  type RepositoryPackage,
  type RepositorySnapshot,
  readStatus,
} from '../../src/distro/index.ts';
import { indexCandidates, resolveCandidates } from '../../src/feed/index.ts';
import { AptRoot, hostMirrors } from '../support/apt-root.ts';

/** Lists are kept for a day below the temporary folder: fetching them costs more than the test. */
const cacheFolder = join(tmpdir(), `heraklit-oracle-apt-${userInfo().uid}`);

/** One package in so many, besides all that have updates. */
const SHARE = 8;

const RELEASES = ['bullseye', 'bookworm', 'trixie'];

/** Always the same choice for the same package. */
function dice(text: string): number {
  let state = 7;
  for (const char of text) state = (Math.imul(state, 31) + char.charCodeAt(0)) | 0;
  return ((state >>> 3) % 1000) / 1000;
}

/** apt takes the same version with other relations for another build of it, so all that it hashes must be there. */
function relationText({ relations }: RepositoryPackage): string {
  const fields = [
    ['Depends', relations.depends],
    ['Pre-Depends', relations.preDepends],
    ['Conflicts', relations.conflicts],
    ['Breaks', relations.breaks],
    ['Replaces', relations.replaces],
  ] as const;
  return fields.map(([name, groups]) => (groups.length === 0 ? '' : `${name}: ${formatRelations(groups)}\n`)).join('');
}

type Case = {
  readonly below: number;
  readonly suffix: string;
  readonly from: 'release' | 'backports';
  readonly status: string;
};

/** Shares of the packages: older, newer, from backports, half done, removed, held; the rest as released. */
const CASES: readonly Case[] = [
  { below: 0.02, suffix: '~older', from: 'release', status: 'hold ok installed' },
  { below: 0.1, suffix: '~older', from: 'release', status: 'install ok installed' },
  { below: 0.15, suffix: '+newer', from: 'release', status: 'install ok installed' },
  { below: 0.2, suffix: '', from: 'backports', status: 'install ok installed' },
  { below: 0.22, suffix: '~older', from: 'backports', status: 'install ok installed' },
  { below: 0.24, suffix: '', from: 'release', status: 'install ok unpacked' },
  { below: 0.26, suffix: '', from: 'release', status: 'deinstall ok config-files' },
  { below: 0.3, suffix: '', from: 'release', status: 'hold ok installed' },
  { below: 1, suffix: '', from: 'release', status: 'install ok installed' },
];

function stanzaOf(one: RepositoryPackage, { suffix, status }: Case): string {
  return [
    `Package: ${one.name}\nStatus: ${status}\nMaintainer: m\nDescription: d\nVersion: ${one.version}${suffix}\n`,
    `Architecture: ${one.architecture}\nMulti-Arch: ${one.multiArch}\n${relationText(one)}`,
    one.installedSize > 0 ? `Installed-Size: ${one.installedSize}\n` : '',
  ].join('');
}

function statusOf(released: readonly RepositoryPackage[], backported: ReadonlyMap<string, RepositoryPackage>): string {
  const stanzas = released.map((one) => {
    const which = CASES.find(({ below }) => dice(one.name) < below) as Case;
    return stanzaOf(which.from === 'backports' ? (backported.get(one.name) ?? one) : one, which);
  });
  return stanzas.join('\n');
}

/** The first few lines that stand on one side only. */
function difference(apts: readonly string[], ours: readonly string[]): Record<'onlyApt' | 'onlyOurs', string[]> {
  const [inApts, inOurs] = [new Set(apts), new Set(ours)];
  return {
    onlyApt: apts.filter((line) => !inOurs.has(line)).slice(0, 20),
    onlyOurs: ours.filter((line) => !inApts.has(line)).slice(0, 20),
  };
}

for (const codename of RELEASES) {
  test(`${codename}: every package that apt lists as upgradable, and no other`, async (context) => {
    const mirrors = await hostMirrors();
    if (mirrors === undefined) return context.skip('apt not installed');
    // Backports of the oldest releases have been moved to the archive of old releases.
    const backports = codename === 'bullseye' ? [] : [`${codename}-backports`];
    const suites = [codename, `${codename}-updates`, `${codename}-security`, ...backports];
    const root = join(cacheFolder, `${codename}-upgradable`);
    await mkdir(root, { recursive: true });
    const apt = new AptRoot(
      root,
      suites.map((suite) => ({ suite, security: suite.endsWith('-security') })),
    );
    await apt.prepare(mirrors);
    const snapshots = (await apt.snapshots()).map(
      (snapshot): RepositorySnapshot =>
        snapshot.suite.endsWith('-backports')
          ? { ...snapshot, notAutomatic: true, butAutomaticUpgrades: true }
          : snapshot,
    );
    const backported = new Map(
      snapshots.filter((one) => one.notAutomatic).flatMap((one) => one.packages.map((pkg) => [pkg.name, pkg] as const)),
    );
    const fixed = new Set(snapshots.slice(1).flatMap((one) => one.packages.map(({ name }) => name)));
    const status = statusOf(
      // An index may hold several versions of a name (linux-doc); only one can be installed.
      [...new Map((snapshots[0]?.packages ?? []).map((one) => [one.name, one])).values()].filter(
        ({ name }, i) => i % SHARE === 0 || fixed.has(name),
      ),
      backported,
    );
    const { packages } = readStatus(Buffer.from(status));
    const ours = resolveCandidates(packages, indexCandidates(snapshots)).map(
      ({ installed, candidate }) =>
        `${installed.name}:${candidate.architecture} ${installed.version} ${candidate.version}`,
    );
    const apts = await apt.upgradable(status);
    context.diagnostic(`${packages.length} installed, ${apts.length} upgradable`);
    assert.ok(apts.length > 1000);
    assert.deepEqual(difference(apts, ours), { onlyApt: [], onlyOurs: [] });
  });
}
