/** What heraklit finds outdated, and why, equals what dnf says for the same root and repositories. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openRepositories } from '../../src/feed/index.ts';
import { type Finding, findOutdated, inspectImage } from '../../src/inventory/index.ts';
import { hasRpmTools, type RpmSpec, RpmWorld, type TestNotice } from '../support/rpm-world.ts';

const installed = hasRpmTools('rpm', 'rpmbuild', 'createrepo_c', 'dnf');
let world: RpmWorld;
before(async () => {
  if (installed) world = await RpmWorld.create();
});
after(() => world?.remove());

/** Small and stable: the same packages in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const VERSIONS = ['1.0~rc1-1', '1.0-1', '1.0-1.el9_4', '1.0-10', '1.0^git2-1', '1.0.1-1', '1.10-1', '2-1', '1:0.5-1'];

const ROOT: readonly RpmSpec[] = [
  { name: 'openssl', evr: '1:3.0.7-24.el9', arch: 'x86_64' },
  { name: 'bash', evr: '5.1.8-6.el9', arch: 'x86_64' },
  { name: 'kernel', evr: '5.14.0-1.el9', arch: 'x86_64' },
  { name: 'kernel', evr: '5.14.0-3.el9', arch: 'x86_64' },
  { name: 'moved', evr: '1-1' },
  { name: 'replaced', evr: '1-1' },
  { name: 'zlib', evr: '1-1', arch: 'i686' },
  { name: 'zlib', evr: '1-1', arch: 'x86_64' },
  { name: 'newer', evr: '9-1' },
  { name: 'own', evr: '1-1' },
];

const OFFERED: readonly RpmSpec[] = [
  { name: 'openssl', evr: '1:3.0.7-25.el9', arch: 'x86_64' },
  { name: 'openssl', evr: '1:3.0.7-27.el9', arch: 'x86_64' },
  { name: 'openssl', evr: '4.0-1.el9', arch: 'x86_64' },
  { name: 'bash', evr: '5.1.8-9.el9', arch: 'x86_64' },
  { name: 'kernel', evr: '5.14.0-3.el9', arch: 'x86_64' },
  { name: 'moved', evr: '2-1', arch: 'x86_64' },
  { name: 'zlib', evr: '2-1', arch: 'x86_64' },
  { name: 'newer', evr: '8-1' },
  { name: 'replacement', evr: '1-1', tags: ['Obsoletes: replaced < 5', 'Provides: replaced = 5'] },
];

const NOTICES: readonly TestNotice[] = [
  {
    id: 'RHSA-2026:0001',
    type: 'security',
    severity: 'Important',
    issued: '2026-01-10 10:00:00',
    cves: ['CVE-2026-1000', 'CVE-2025-9999'],
    packages: [{ name: 'openssl', evr: '1:3.0.7-25.el9', arch: 'x86_64' }],
  },
  {
    id: 'RHSA-2026:0002',
    type: 'security',
    severity: 'Critical',
    issued: '2026-02-10 10:00:00',
    cves: ['CVE-2026-2000'],
    packages: [{ name: 'openssl', evr: '1:3.0.7-27.el9', arch: 'x86_64' }],
  },
  {
    id: 'RHSA-2026:0003',
    type: 'security',
    severity: 'Moderate',
    issued: '2026-02-11 10:00:00',
    cves: [],
    packages: [{ name: 'bash', evr: '5.1.8-9.el9', arch: 'x86_64' }],
  },
  {
    id: 'RHBA-2026:0004',
    type: 'bugfix',
    severity: 'None',
    issued: '2026-02-12 10:00:00',
    cves: [],
    packages: [{ name: 'zlib', evr: '2-1', arch: 'x86_64' }],
  },
];

async function findings(root: string, paths: Readonly<Record<string, string>>): Promise<readonly Finding[]> {
  const contents = await inspectImage({ kind: 'dir', root: join(world.folder, root) });
  const snapshots = await openRepositories({
    distribution: 'rhel/9',
    architecture: 'x86_64',
    mirrors: { main: [], security: [], origin: 'the test' },
    cache: join(world.folder, `cache-${root}`),
    repositories: Object.entries(paths).map(([name, path]) => ({ name, urls: [`file://${path}/`] })),
  });
  const check = await findOutdated(contents, snapshots);
  assert.ok(check.kind === 'checked');
  return check.findings;
}

/** `name.arch evr` lines of `dnf check-update`, without what it lists as obsoleting. */
async function dnfUpdates(
  root: string,
  paths: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<readonly string[]> {
  const [updates = ''] = (await world.dnf(root, paths, ...options, 'check-update')).split('Obsoleting Packages');
  const lines = updates
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([name, evr]) => (name === undefined || evr === undefined ? [] : [`${name} ${evr}`])).sort();
}

const asDnf = (all: readonly Finding[]): readonly string[] =>
  all.map((finding) => `${finding.package}.${finding.arch} ${finding.candidate}`).sort();

async function makeRoot(root: string, specs: readonly RpmSpec[]): Promise<void> {
  const packages = await world.build(specs, `${root}-packages`);
  await world.rpm(root, '-i', '--oldpackage', ...packages);
  await world.write(root, 'etc/os-release', 'ID="rhel"\nVERSION_ID="9.4"\n');
}

test('epochs, architectures, kept kernels, obsoletes: the findings are those of dnf', async (context) => {
  if (!installed) return context.skip('rpm, dnf or createrepo_c not installed');
  await makeRoot('root', ROOT);
  const path = await world.repository('updates', await world.build(OFFERED, 'offered'), '--general-compress-type=xz');
  await world.announce(path, NOTICES);
  const found = await findings('root', { updates: path });
  assert.deepEqual(asDnf(found), await dnfUpdates('root', { updates: path }));
  assert.equal(found.length, 4);

  const facts = (name: string) => {
    const one = found.find((finding) => finding.package === name);
    return [one?.candidate, one?.security, one?.severity, one?.advisories, one?.since];
  };
  assert.deepEqual(facts('openssl'), [
    '1:3.0.7-27.el9',
    true,
    'critical',
    ['CVE-2025-9999', 'CVE-2026-1000', 'CVE-2026-2000'],
    '2026-01-10T10:00:00.000Z',
  ]);
  assert.deepEqual(facts('bash').slice(0, 4), ['5.1.8-9.el9', true, 'other', ['RHSA-2026:0003']]);
  assert.deepEqual(facts('zlib').slice(0, 4), ['2-1', false, 'other', []]);

  const listed = await world.dnf('root', { updates: path }, 'updateinfo', 'list', '--updates', '--security');
  const secured = new Set([...listed.matchAll(/\s([a-z]+)-[^\s-]+-[^\s-]+\.x86_64\s*$/gm)].map(([, name]) => name));
  assert.deepEqual(
    [...secured].sort(),
    found
      .filter(({ security }) => security)
      .map((finding) => finding.package)
      .sort(),
  );
});

test('random roots and repositories: the findings are those of dnf', async (context) => {
  if (!installed) return context.skip('rpm, dnf or createrepo_c not installed');
  const next = random(7);
  const pick = (): string => VERSIONS[next(VERSIONS.length)] as string;
  const arch = (): 'noarch' | 'x86_64' => (next(2) === 0 ? 'noarch' : 'x86_64');
  const names = Array.from({ length: 30 }, (_, index) => `pkg${index}`);
  await makeRoot(
    'random',
    names.slice(0, 26).map((name) => ({ name, evr: pick(), arch: arch() })),
  );
  const offer = (): RpmSpec[] => names.filter(() => next(3) > 0).map((name) => ({ name, evr: pick(), arch: arch() }));
  const repositories = {
    one: await world.repository('one', await world.build(offer(), 'one-packages')),
    two: await world.repository('two', await world.build(offer(), 'two-packages'), '--checksum', 'sha512'),
  };
  const found = await findings('random', repositories);
  // Of one version for noarch and x86_64 dnf lists both, and installs one.
  const once = (lines: readonly string[]) => [...new Set(lines.map((line) => line.replace(/\.\S+/, '')))];
  assert.deepEqual(once(asDnf(found)), once(await dnfUpdates('random', repositories)));
  assert.ok(found.length > 5);
});

const moduleYaml = (stream: string, nevras: readonly string[]): string => `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "${stream}"
  version: 1
  context: abc
  arch: x86_64
  summary: a
  description: b
  license:
    module: [MIT]
  dependencies:
  - requires:
      platform: [el9]
  artifacts:
    rpms:
${nevras.map((nevra) => `    - ${nevra}\n`).join('')}...
`;

test('a stream of a module gets updates of that stream alone, as dnf has it', async (context) => {
  if (!installed) return context.skip('rpm, dnf or createrepo_c not installed');
  const label = (stream: string) => [`ModularityLabel: nodejs:${stream}:1:abc`];
  const nodejs = (evr: string, stream: string): RpmSpec => ({
    name: 'nodejs',
    evr,
    arch: 'x86_64',
    tags: label(stream),
  });
  await makeRoot('module', [
    nodejs('1:18.1.0-1.module+el9', '1.10'),
    { name: 'npm', evr: '1-1', tags: label('1.10') },
    { name: 'plain', evr: '1-1' },
  ]);
  await world.write(
    'module',
    'etc/dnf/modules.d/nodejs.module',
    '[nodejs]\nname=nodejs\nstream=1.10\nprofiles=\nstate=enabled\n',
  );
  const packages = [
    ...(await world.build([nodejs('1:18.2.0-1.module+el9', '1.10')], 'stream18')),
    ...(await world.build([nodejs('1:20.0.0-1.module+el9', '20')], 'stream20')),
    ...(await world.build([{ name: 'npm', evr: '2-1', tags: label('20') }], 'npm20')),
    ...(await world.build([{ name: 'plain', evr: '2-1' }], 'plain')),
  ];
  const path = await world.repository('modular', packages);
  const yaml =
    moduleYaml('1.10', ['nodejs-1:18.2.0-1.module+el9.x86_64']) +
    moduleYaml('20', ['nodejs-1:20.0.0-1.module+el9.x86_64', 'npm-0:2-1.noarch']);
  await world.addMetadata(path, 'modules.yaml', yaml);
  const found = asDnf(await findings('module', { modular: path }));
  assert.deepEqual(found, ['nodejs.x86_64 1:18.2.0-1.module+el9', 'plain.noarch 2-1']);
  assert.deepEqual(found, await dnfUpdates('module', { modular: path }, '--setopt=module_platform_id=platform:el9'));
});
