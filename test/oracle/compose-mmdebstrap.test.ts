import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { unpackImage } from '../../src/build/compose/base-image.ts';
import { readStatus } from '../../src/distro/index.ts';
import { hostMirrors } from '../support/apt-root.ts';
import { factsOfRoot } from '../support/compare-roots.ts';
import { openComposeHome, openDownloads } from '../support/compose-home.ts';

/**
 * A composed image beside what mmdebstrap makes of the same packages, file by file. What differs is listed here with its
 * reason, as in docs/compose.md; anything else fails. Only with HERAKLIT_ORACLE=full: mmdebstrap alone takes ten seconds.
 */
const FULL = process.env.HERAKLIT_ORACLE === 'full';

const EXPECTED: readonly (readonly [path: RegExp, why: string])[] = [
  [/^etc\/(?:fstab|\.pwd\.lock)$/, 'of the machine that ran mmdebstrap, or a lock'],
  [/^etc\/apt\/(?:sources\.list|auth\.conf|trusted\.gpg)/, 'a recipe can add its own'],
  [/^etc\/(?:shadow|machine-id)$/, 'day of the last password change; identity'],
  [
    /^var\/lib\/dpkg\/(?:arch|available|diversions|statoverride|cmethopt|lock|lock-frontend|methods|alternatives)(?:\/|$)/,
    'apt did not run',
  ],
  [/^var\/lib\/(?:apt|systemd)(?:\/|$)/, 'apt did not run'],
  [/^var\/cache\/debconf\/(?:config|passwords|templates)\.dat$/, 'an answer that apt’s run records'],
];

async function compareRoots(context: TestContext): Promise<void> {
  if (spawnSync('mmdebstrap', ['--version']).status !== 0) return context.skip('mmdebstrap not installed');
  if (process.getuid?.() !== 0) return context.skip('root not installed');
  const mirrors = await hostMirrors();
  const folder = mkdtempSync(join(tmpdir(), 'compose-mmdebstrap-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const from = await openDownloads(context, join(folder, 'cache'));
  if (from === undefined || mirrors === undefined) return;
  const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')];
  const made = spawnSync(
    'mmdebstrap',
    ['--quiet', '--variant=minbase', 'trixie', theirs, `deb ${mirrors.release} trixie main`],
    { encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr);
  const { packages } = readStatus(readFileSync(join(theirs, 'var/lib/dpkg/status')), { what: 'mmdebstrap' });
  const home = await openComposeHome(context, {
    ...from,
    repositories: async () => (await from.repositories()).filter(({ pocket }) => pocket === 'release'),
  });
  const names = packages.map(({ name }) => name);
  const image = await home.build(
    `apiVersion: heraklit/v1\nkind: Image\nname: minbase\ndistribution: debian/trixie\npackages: [${names}]\n`,
  );
  assert.deepEqual(image.lock.packages.map(({ name }) => name).sort(), [...names].sort());
  mkdirSync(ours);
  const { manifest, config, descriptor } = image;
  await unpackImage({ ...descriptor, manifestBytes: Buffer.alloc(0), manifest, config, blobs: home.store }, ours);
  const [left, right] = [factsOfRoot(theirs), factsOfRoot(ours)];
  const different = [...new Set([...left.keys(), ...right.keys()])].filter(
    (path) => left.get(path) !== right.get(path),
  );
  const unexpected = different.filter((path) => !EXPECTED.some(([pattern]) => pattern.test(path)));
  context.diagnostic(`${left.size} and ${right.size} paths, ${different.length} differ: ${different.join(', ')}`);
  assert.deepEqual(
    unexpected.map((path) => [path, left.get(path), right.get(path)]),
    [],
  );
}

// Not registered otherwise: a test that returns at once would count as passed.
if (FULL) test('a composed image is, file by file, what mmdebstrap makes of the same packages', compareRoots);
