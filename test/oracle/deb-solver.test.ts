import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  createUniverse,
  formatRelations,
  type PackagePin,
  type PackageUniverse,
  type Preferences,
  type RepositoryPackage,
  solve,
} from '../../src/distro/index.ts';
import { AptRoot, hostMirrors, inParallel, type Pocket, type Simulation } from '../support/apt-root.ts';

/** Sections that server and tool images are made of. */
const SECTIONS = new Set(
  'net admin utils web httpd database python ruby php java mail devel libs perl interpreters shells text vcs'.split(
    ' ',
  ),
);
const FIXED = [
  ['python3'],
  ['nginx'],
  ['openssl'],
  ['curl'],
  ['postgresql-client'],
  ['ca-certificates'],
  ['git'],
  ['default-jre-headless'],
  ['php-fpm'],
  ['ruby'],
  ['apache2', 'nginx'],
  ['exim4', 'mutt'],
  ['postfix', 'exim4'],
  ['build-essential', 'systemd-sysv'],
  ['mariadb-server', 'emacs-nox'],
];

/** Lists are kept for a day below the temporary folder: fetching them costs more than the test. */
const cacheFolder = join(tmpdir(), `heraklit-oracle-apt-${userInfo().uid}`);

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

/** `count` requests of 1-4 packages each, always the same ones for the same index and seed. */
function randomRequests(packages: readonly RepositoryPackage[], count: number, seed: number): string[][] {
  const names = packages.filter(({ section }) => SECTIONS.has(section)).map(({ name }) => name);
  const random = seededRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => names[Math.floor(random() * names.length)] as string),
  );
}

interface Comparison {
  readonly apt: AptRoot;
  readonly universe: PackageUniverse;
  readonly installed: readonly RepositoryPackage[];
  readonly requests: readonly (readonly string[])[];
  readonly recommends: boolean;
  readonly preferences?: Preferences;
}

/** Every difference between apt's answer and ours, as text. */
async function differences(comparison: Comparison): Promise<string[]> {
  const { apt, universe, installed, requests, recommends, preferences } = comparison;
  const found: string[] = [];
  await inParallel(requests, 2, async (names) => {
    const expected = await apt.simulate(names, { recommends });
    const solution = solve({
      universe,
      installed,
      requests: names.map((name) => ({ name })),
      architecture: 'amd64',
      recommends,
      essential: false,
      ...(preferences === undefined ? {} : { preferences }),
    });
    const actual: Omit<Simulation, 'message'> =
      solution.kind === 'solved'
        ? {
            failed: false,
            installed: solution.packages.map(({ name, version }) => `${name}=${version}`).sort(),
            removed: solution.removed,
          }
        : { failed: true, installed: [], removed: [] };
    const { message, ...answer } = expected;
    try {
      assert.deepEqual(actual, answer);
    } catch (error) {
      found.push(`${names.join(' ')}: ${message.slice(0, 300)} ${(error as Error).message}`);
    }
  });
  return found;
}

async function openApt(context: TestContext, name: string, pockets: readonly Pocket[], status = '') {
  const mirrors = await hostMirrors();
  if (mirrors === undefined) {
    context.skip('apt with Debian sources not installed');
    return undefined;
  }
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
  const apt = new AptRoot(join(cacheFolder, name), pockets);
  await apt.prepare(mirrors, status);
  return apt;
}

/** One simulation costs apt about a second: `HERAKLIT_ORACLE=full` compares 200 random requests per suite, and 60 with Recommends. */
const FULL = process.env.HERAKLIT_ORACLE === 'full';
const SUITES = [
  { suite: 'bookworm', random: FULL ? 200 : 12, recommends: FULL ? 60 : 3 },
  { suite: 'trixie', random: FULL ? 200 : 6, recommends: FULL ? 60 : 2 },
  { suite: 'bullseye', random: FULL ? 200 : 5, recommends: FULL ? 60 : 2 },
];

for (const { suite, random, recommends } of SUITES) {
  test(`${suite}: the same packages as apt-get install into an empty root`, async (context) => {
    const apt = await openApt(context, suite, [{ suite, security: false }]);
    if (apt === undefined) return;
    const snapshots = await apt.snapshots();
    const universe = createUniverse(snapshots);
    const packages = snapshots[0]?.packages ?? [];
    const fixed = suite === 'bookworm' ? FIXED : [];
    const requests = [...fixed, ...randomRequests(packages, random, 20_260_101)];
    const common = { apt, universe, installed: [] };
    assert.deepEqual(await differences({ ...common, requests, recommends: false }), []);
    const wished = randomRequests(packages, recommends, 77);
    assert.deepEqual(await differences({ ...common, requests: wished, recommends: true }), []);
  });
}

/** A dpkg status stanza of an installed package, as far as apt's solver looks at it. */
function statusStanza(installed: RepositoryPackage): string {
  const { relations } = installed;
  const fields = [
    ['Package', installed.name],
    ['Status', 'install ok installed'],
    ['Priority', installed.priority],
    ['Section', installed.section],
    ['Maintainer', 'nobody <nobody@example.org>'],
    ['Essential', installed.essential ? 'yes' : ''],
    ['Architecture', installed.architecture],
    ['Multi-Arch', installed.multiArch === 'no' ? '' : installed.multiArch],
    ['Installed-Size', String(installed.installedSize)],
    ['Source', `${installed.source.name} (${installed.source.version})`],
    ['Version', installed.version],
    ['Provides', formatRelations(relations.provides.map((relation) => [relation]))],
    ['Pre-Depends', formatRelations(relations.preDepends)],
    ['Depends', formatRelations(relations.depends)],
    ['Recommends', formatRelations(relations.recommends)],
    ['Replaces', formatRelations(relations.replaces)],
    ['Breaks', formatRelations(relations.breaks)],
    ['Conflicts', formatRelations(relations.conflicts)],
    ['Description', 'x'],
  ];
  return `${fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n`;
}

test('bookworm: the same installs, upgrades and removals as apt on top of a base', async (context) => {
  const release = await openApt(context, 'bookworm', [{ suite: 'bookworm', security: false }]);
  if (release === undefined) return;
  const base = solve({
    universe: createUniverse(await release.snapshots()),
    installed: [],
    requests: ['apt', 'python3', 'perl', 'curl', 'openssl', 'git', 'nginx', 'mawk'].map((name) => ({ name })),
    architecture: 'amd64',
    recommends: false,
    essential: true,
  });
  assert(base.kind === 'solved');
  const apt = await openApt(
    context,
    'bookworm-all',
    [
      { suite: 'bookworm', security: false },
      { suite: 'bookworm-updates', security: false },
      { suite: 'bookworm-security', security: true },
    ],
    base.packages.map(statusStanza).join('\n'),
  );
  if (apt === undefined) return;
  const snapshots = await apt.snapshots();
  const packages = snapshots.flatMap((snapshot) => snapshot.packages);
  const requests = [
    ...['libssl-dev', 'libcurl4-openssl-dev', 'php-fpm', 'gawk', 'nginx', 'openssl', 'libperl-dev'].map((name) => [
      name,
    ]),
    ['gcc', 'libc6-dev'],
    ...randomRequests(packages, FULL ? 40 : 4, 4),
  ];
  const universe = createUniverse(snapshots);
  const common = { apt, universe, installed: base.packages, recommends: false };
  context.after(() => apt.prefer(''));
  assert.deepEqual(await differences({ ...common, requests }), []);
  const wanted = [
    ['libssl-dev', 'php-fpm', 'nginx'],
    ['openssl', 'curl', 'python3'],
  ];
  for (const pins of PINS) {
    await apt.prefer(pins.map(preferencesText).join('\n'));
    const found = await differences({ ...common, requests: wanted, preferences: { pins, excluded: [] } });
    assert.deepEqual(found, [], JSON.stringify(pins));
  }
});

const PINS: readonly (readonly PackagePin[])[] = [
  [{ packages: ['*'], suite: 'bookworm-security', priority: -1 }],
  [{ packages: ['*'], suite: 'bookworm', priority: 1001 }],
  [
    { packages: ['src:openssl', 'libcurl*'], suite: 'bookworm', priority: 990 },
    { packages: ['*'], suite: 'bookworm-security', priority: 900 },
  ],
  [
    { packages: ['php-common', 'nginx-common'], version: '*', priority: -10 },
    { packages: ['python3*'], version: '3.11*', priority: 1002 },
  ],
];

/** The same in apt_preferences(5). */
function preferencesText({ packages, suite, version, priority }: PackagePin): string {
  const pin = version === undefined ? `release n=${suite}` : `version ${version}`;
  return `Package: ${packages.join(' ')}\nPin: ${pin}\nPin-Priority: ${priority}\n`;
}
