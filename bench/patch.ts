/**
 * Bringing an image with some forty outdated packages up to date: `heraklit patch` beside `buildah from`, `buildah run
 * apt-get update && apt-get upgrade`, `buildah commit`. Three rows:
 *
 * - cold: nothing is cached; indexes and packages are downloaded, the image is read for the first time
 * - first: packages, verified indexes and what is known of the image's layers are cached; no image with its system was
 *   patched before
 * - next: an image that was never seen before, an application of its own on a system that was patched before
 *
 * Ours puts the result into the layout that the image lies in, as the peer puts it into its own storage. The peer
 * downloads indexes and packages each time, as it always does. HERAKLIT_BENCH_RUNS changes the number of runs.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  applicationOn,
  containerStorage,
  freshHome,
  HERAKLIT,
  imageOf,
  mirror,
  releaseRoot,
  sh,
  WORK,
} from './fixtures.ts';
import { type Comparison, compare, report } from './harness.ts';

const RUNS = Number(process.env.HERAKLIT_BENCH_RUNS ?? 3);
const GOAL = 10;
const SUITE = 'bookworm';
const PACKAGES = [
  ...['python3', 'nginx', 'openssl', 'curl', 'git', 'vim-tiny', 'openssh-client', 'postgresql-client'],
  ...['imagemagick', 'ca-certificates'],
];
const layout = imageOf(releaseRoot(SUITE, PACKAGES)).layout.replace(/^oci:(.*):bench$/, '$1');
const home = freshHome();
// Lower case: buildah makes an image name of the path.
const images = join(WORK, 'patch-images');
const cache = join(home, 'home', 'cache');

const storage = containerStorage();
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
  `c=$(${buildah} from --pull-never patch-bench)`,
  `${buildah} run --isolation chroot --network host "$c" -- sh -c '${upgrade.replaceAll("'", "'\\''")}'`,
  `${buildah} commit --quiet "$c" patched-bench`,
  `${buildah} rm "$c"`,
].join('\n');

const patch = (tag: string): readonly string[] => [
  ...[process.execPath, HERAKLIT, '--home', join(home, 'home'), 'patch', `oci:${images}:${tag}`],
  ...['-o', `oci:${images}:patched`, '--format', 'json'],
];
const forget = (path: string): void => rmSync(path, { recursive: true, force: true });

/** The image as it was, in a layout of its own, under the tag `bench`; in the peer's storage too. */
function fresh(application?: string): void {
  forget(images);
  sh('cp', '--archive', '--link', layout, images);
  if (application !== undefined) applicationOn(images, 'bench', application);
  sh(
    'buildah',
    ...storage,
    'tag',
    sh('buildah', ...storage, 'pull', '--quiet', `oci:${images}:bench`).trim(),
    'patch-bench',
  );
}

mkdirSync(join(home, 'home'), { recursive: true });
fresh();
const [command = '', ...argv] = patch('bench');
const { changes } = JSON.parse(sh(command, ...argv)) as { readonly changes: readonly unknown[] };
const title = `patch an image with ${changes.length} outdated packages`;

const row = (name: string, prepare: () => void): Comparison =>
  compare(
    `${title}, ${name}`,
    { name: 'heraklit', argv: patch('bench'), prepare },
    { name: 'buildah', argv: ['sh', '-c', peer] },
    GOAL,
    RUNS,
  );
let applications = 0;
const comparisons = [
  row('next image on its system', () => fresh(`application ${applications++}`)),
  row('first on its system, caches warm', () => {
    fresh();
    forget(join(cache, 'patches'));
    forget(join(home, 'home', 'store'));
  }),
  row('nothing cached', () => {
    fresh();
    forget(join(home, 'home'));
  }),
];
report(comparisons);
forget(home);
forget(images);
