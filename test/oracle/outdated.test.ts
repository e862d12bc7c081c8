/**
 * `outdated` against apt itself: a root made from a release pocket alone, then `apt list --upgradable` inside it with
 * release, updates and security enabled. Both sides read the same mirror, each with its own code.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { defaultPockets, discoverMirrors, findPocket, openRepositories } from '../../src/feed/index.ts';
import { findOutdated, inspectImage } from '../../src/inventory/index.ts';

const SUITES = ['bullseye', 'bookworm', 'trixie'] as const;
/** Packages that get updates in every release, one of them architecture-independent. */
const INCLUDE = 'openssl,libxml2,tzdata,perl-base,curl,ca-certificates';

const missing = spawnSync('mmdebstrap', ['--version']).error !== undefined ? 'mmdebstrap not installed' : undefined;
const skip = missing ?? (process.getuid?.() === 0 ? false : 'needs root: apt runs inside the root');
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outdated-'));
});
after(() => rm(folder, { recursive: true, force: true }));

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2000);
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command}: exit ${code}: ${errors}`))));
  });
}

/** `name/suites version arch [upgradable from: version]` */
function parseAptList(text: string): readonly string[] {
  const lines = [...text.matchAll(/^([^/\s]+)\/\S+ (\S+) (\S+) \[upgradable from: (\S+)\]$/gm)];
  return lines.map(([, name, candidate, arch, installed]) => `${name} ${arch} ${installed} ${candidate}`).sort();
}

for (const suite of SUITES) {
  test(`${suite}: the set of apt list --upgradable`, { skip }, async (context) => {
    const distribution = `debian/${suite}`;
    const mirrors = await discoverMirrors({ id: 'debian' });
    const lines = defaultPockets(distribution).map((name) => {
      const pocket = findPocket(distribution, name);
      return `deb [check-valid-until=no] ${mirrors[pocket.archive][0]} ${pocket.suite} main`;
    });
    assert.equal(lines.length, 3);
    const root = join(folder, suite);
    const hook = [
      `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} > "$1/etc/apt/sources.list"`,
      'rm -f "$1"/etc/apt/sources.list.d/*',
      'chroot "$1" apt-get -q update',
      'LC_ALL=C chroot "$1" apt list --upgradable > "$1/upgradable" 2>/dev/null',
    ].join(' && ');
    await run('mmdebstrap', [
      '--variant=apt',
      '--aptopt=Acquire::Check-Valid-Until "false"',
      `--include=${INCLUDE}`,
      `--customize-hook=${hook}`,
      '--format=directory',
      suite,
      root,
      lines[0] as string,
    ]);
    const wanted = parseAptList(await readFile(join(root, 'upgradable'), 'utf8'));
    const contents = await inspectImage({ kind: 'dir', root });
    assert.equal(contents.distribution?.name, distribution);
    const snapshots = await openRepositories({
      distribution,
      architecture: contents.architecture,
      mirrors,
      cache: join(folder, 'cache'),
      // Both sides take what the mirror has, however old: the sets are compared, not the mirror.
      trusted: true,
    });
    const check = await findOutdated(contents, snapshots);
    assert.ok(check.kind === 'checked');
    const found = check.findings.map((item) => `${item.package} ${item.arch} ${item.installed} ${item.candidate}`);
    assert.deepEqual(found.sort(), wanted);
    context.diagnostic(`${contents.packages.length} packages, ${wanted.length} upgradable`);
    assert.ok(wanted.length > 0 || suite === 'bullseye', 'a release with no update at all proves nothing');
  });
}
