/**
 * Bringing an image with some forty outdated packages up to date: `heraklit patch` beside `buildah from`, `buildah run
 * apt-get update && apt-get upgrade`, `buildah commit`. Ours has its package cache, verified indexes and layer indexes
 * warm; the peer has the image in its storage, and downloads indexes and packages as it always does.
 * HERAKLIT_BENCH_RUNS changes the number of runs.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { containerStorage, freshHome, HERAKLIT, imageOf, mirror, releaseRoot, sh } from './fixtures.ts';
import { compare, report } from './harness.ts';

const RUNS = Number(process.env.HERAKLIT_BENCH_RUNS ?? 3);
const SUITE = 'bookworm';
const PACKAGES = [
  ...['python3', 'nginx', 'openssl', 'curl', 'git', 'vim-tiny', 'openssh-client', 'postgresql-client'],
  ...['imagemagick', 'ca-certificates'],
];
const { layout } = imageOf(releaseRoot(SUITE, PACKAGES));
const home = freshHome();
const out = join(home, 'out');
const patch = [process.execPath, HERAKLIT, '--home', home, 'patch', layout, '-o', `oci:${out}:patched`];
process.stderr.write(sh(patch[0] as string, ...patch.slice(1)).replace(/^ .*\n/gm, ''));

const storage = containerStorage();
const image = sh('buildah', ...storage, 'pull', '--quiet', layout).trim();
const security = mirror().replace(/\/debian$/, '/debian-security');
const upgrade = [
  `printf '%s\\n' "deb ${mirror()} ${SUITE} main" "deb ${mirror()} ${SUITE}-updates main" "deb ${security} ${SUITE}-security main" > /etc/apt/sources.list`,
  'rm -f /etc/apt/sources.list.d/*',
  'apt-get -q update',
  'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold upgrade',
].join(' && ');
const buildah = ['buildah', ...storage].join(' ');
const peer = [
  'set -e',
  `c=$(${buildah} from --pull-never ${image})`,
  `${buildah} run --isolation chroot --network host "$c" -- sh -c '${upgrade.replaceAll("'", "'\\''")}'`,
  `${buildah} commit --quiet "$c" patched-bench`,
  `${buildah} rm "$c"`,
].join('\n');

mkdirSync(out, { recursive: true });
const comparison = compare(
  'patch an image with outdated packages',
  { name: 'heraklit', argv: patch, prepare: () => rmSync(out, { recursive: true, force: true }) },
  { name: 'buildah', argv: ['sh', '-c', peer] },
  10,
  RUNS,
);
report([comparison]);
rmSync(home, { recursive: true, force: true });
