/**
 * Composing a minimal Debian image with maintainer scripts beside `mmdebstrap --variant=minbase`: packages cached for
 * both, mmdebstrap working in memory (TMPDIR on a tmpfs) as we do. We unpack a package once in its life and keep it as a layer, so
 * there are two kinds of warm: the first row has the packages as layers, the second as .deb files only; in both all
 * maintainer scripts run. Then exactly one package has changed since the last build: a library that no maintainer script
 * uses, a leaf, and a library that dpkg itself uses, so that all scripts run again. Last, nothing has changed.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freshHome, HERAKLIT, mirror, sh, WORK } from './fixtures.ts';
import { compare, report } from './harness.ts';

const RUNS = 5;
const SUITE = 'trixie';
/** Changed one at a time; each has an update since the release. */
const CHANGED = [
  { name: 'zlib1g', what: 'a library that no script uses', goal: 20, runs: RUNS },
  { name: 'tzdata', what: 'a leaf', goal: 20, runs: RUNS },
  { name: 'libpcre2-8-0', what: 'a library of dpkg, all scripts run again', goal: 20, runs: 2 },
];

const home = freshHome();
const recipe = join(home, 'minbase.yaml');
// What minbase is: Essential (added by itself), priority required, and apt.
const PACKAGES = [
  'apt',
  'base-files',
  'bash',
  'dpkg',
  'init-system-helpers',
  'libpam-modules',
  'libpam-runtime',
  'login',
  'mawk',
  'mount',
  'passwd',
  'sysvinit-utils',
  'tzdata',
  'util-linux',
];
const lines = [
  'apiVersion: heraklit/v1',
  'kind: Image',
  'name: minbase',
  `distribution: debian/${SUITE}`,
  'scripts: run',
  `packages: [${PACKAGES.join(', ')}]`,
];
writeFileSync(recipe, `${lines.join('\n')}\n`);
const heraklit = (...args: readonly string[]): readonly string[] => [
  process.execPath,
  HERAKLIT,
  '--home',
  home,
  'build',
  recipe,
  '-o',
  `oci:${join(home, 'out')}:minbase`,
  ...args,
];
const run = (argv: readonly string[]): void => void sh(argv[0] as string, ...argv.slice(1));

interface LockFile {
  packages: { name: string; version: string }[];
}
const readLock = (): LockFile => parse(readFileSync(`${recipe}.lock`, 'utf8')) as LockFile;

run(heraklit('--update'));
const updated = readLock();
run(heraklit('--update', '--pocket', 'release'));
const released = readFileSync(`${recipe}.lock`, 'utf8');
/** The release's lock with one package of the updates. */
function lockWith(name: string): string {
  const mixed = parse(released) as LockFile;
  mixed.packages = mixed.packages.map((item) =>
    item.name === name ? (updated.packages.find((other) => other.name === name) ?? item) : item,
  );
  const text = stringify(mixed);
  if (text === stringify(parse(released))) throw new Error(`${name} has no update: choose another package`);
  return text;
}
// The home as the last build left it: built from the release lock, nothing of the changed package made yet.
for (const name of ['store', 'out', 'scratch']) rmSync(join(home, name), { recursive: true, force: true });
const keep = ['packages', 'indexes', 'releases'];
const emptyCache = (): void => {
  for (const name of sh('ls', join(home, 'cache'))
    .split('\n')
    .filter((entry) => entry !== '' && !keep.includes(entry))) {
    rmSync(join(home, 'cache', name), { recursive: true, force: true });
  }
};
emptyCache();
run(heraklit('--locked'));
const before = join(WORK, 'compose-home');
rmSync(before, { recursive: true, force: true });
cpSync(home, before, { recursive: true });
const restore = (): void => {
  rmSync(home, { recursive: true, force: true });
  cpSync(before, home, { recursive: true });
  // Or the timed run waits, at its first fsync, for the disk to take what was copied here.
  sh('sync');
};

const debs = join(WORK, 'mmdebstrap-debs');
mkdirSync(debs, { recursive: true });
const target = join('/dev/shm', 'heraklit-bench-minbase.tar');
const mmdebstrap = [
  'mmdebstrap',
  '--quiet',
  '--variant=minbase',
  '--skip=download/empty',
  '--skip=essential/unlink',
  `--setup-hook=mkdir -p "$1/var/cache/apt/archives" && cp -a ${debs}/. "$1/var/cache/apt/archives/"`,
  `--customize-hook=cp -au "$1/var/cache/apt/archives/." ${debs}/`,
  SUITE,
  target,
  `deb ${mirror()} ${SUITE} main`,
];
const peer = { name: 'mmdebstrap', argv: mmdebstrap, env: { TMPDIR: '/dev/shm' } };
run(mmdebstrap);

interface ManifestFile {
  readonly layers: readonly { readonly digest: string }[];
}
const blob = (digest: string): string => readFileSync(join(home, 'out', 'blobs', 'sha256', digest.slice(7)), 'utf8');
/** The image alone is made anew: every package is a layer already; scripts, what they read and the layer they made are forgotten. */
const forgetImage = (): void => {
  const index = JSON.parse(readFileSync(join(home, 'out', 'index.json'), 'utf8')) as {
    manifests: { digest: string }[];
  };
  const manifest = JSON.parse(blob(index.manifests[0]?.digest ?? '')) as ManifestFile;
  const state = manifest.layers.at(-1)?.digest ?? '';
  const layers = join(home, 'cache', 'compose', 'layers');
  for (const name of sh('grep', '-l', '-r', state, layers)
    .split('\n')
    .filter((line) => line !== ''))
    rmSync(name);
  // Results of scripts, and the records by which they are taken over for other versions.
  for (const name of ['scripts', 'stages'])
    rmSync(join(home, 'cache', 'compose', name), { recursive: true, force: true });
};
const fromLayers = compare(
  'compose minbase with scripts, packages unpacked before',
  { name: 'heraklit', argv: heraklit('--locked', '--offline'), prepare: forgetImage },
  peer,
  5,
  RUNS,
);
const fromPackages = compare(
  'the same from .deb files alone: nothing was ever unpacked',
  {
    name: 'heraklit',
    argv: heraklit('--locked', '--offline'),
    prepare: () => {
      for (const name of ['store', 'out']) rmSync(join(home, name), { recursive: true, force: true });
      emptyCache();
    },
  },
  peer,
  5,
  2,
);
const oneChanged = CHANGED.map(({ name, what, goal, runs }) => {
  const lock = lockWith(name);
  return compare(
    `the same after ${name} changed (${what})`,
    {
      name: 'heraklit',
      argv: heraklit('--locked', '--offline'),
      prepare: () => {
        restore();
        writeFileSync(`${recipe}.lock`, lock);
      },
    },
    peer,
    goal,
    runs,
  );
});
const nothingChanged = compare(
  'the same when nothing changed',
  { name: 'heraklit', argv: heraklit('--locked', '--offline'), prepare: restore },
  peer,
  20,
  2,
);
report([fromLayers, fromPackages, ...oneChanged, nothingChanged]);
for (const path of [home, before, target]) rmSync(path, { recursive: true, force: true });
