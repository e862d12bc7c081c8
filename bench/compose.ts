/**
 * Composing a minimal Debian image with maintainer scripts beside `mmdebstrap --variant=minbase`, packages cached for
 * both: from nothing but the packages, and after one package changed.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshHome, HERAKLIT, mirror, sh, WORK } from './fixtures.ts';
import { compare, report } from './harness.ts';

const RUNS = 5;
const SUITE = 'trixie';
const home = freshHome();
const folder = join(home, 'recipe');
mkdirSync(folder, { recursive: true });
const recipe = join(folder, 'minbase.yaml');
// What `minbase` means: Essential, priority required, and apt.
const required = sh(
  'sh',
  '-c',
  `apt-cache dumpavail 2>/dev/null | awk '/^Package:/{p=$2} /^Priority: required/{print p}' | sort -u`,
);
const extra = [
  ...new Set([
    'apt',
    ...required.split('\n').filter((name) => ['mawk', 'passwd', 'mount', 'tzdata', 'util-linux'].includes(name)),
  ]),
];
writeFileSync(
  recipe,
  `apiVersion: heraklit/v1\nkind: Image\nname: minbase\ndistribution: debian/${SUITE}\nscripts: run\npackages: [${extra.join(', ')}]\n`,
);
const build = [process.execPath, HERAKLIT, '--home', home, 'build', recipe, '-o', `oci:${join(home, 'out')}:minbase`];
const first = sh(build[0] as string, ...build.slice(1));
process.stderr.write(first);

const debs = join(WORK, 'mmdebstrap-debs');
mkdirSync(debs, { recursive: true });
const target = join(WORK, 'mmdebstrap-minbase.tar');
const mmdebstrap = [
  'mmdebstrap',
  '--quiet',
  '--variant=minbase',
  '--skip=download/empty',
  '--skip=essential/unlink',
  `--setup-hook=mkdir -p "$1/var/cache/apt/archives" && cp -a ${debs}/. "$1/var/cache/apt/archives/"`,
  `--customize-hook=cp -a "$1/var/cache/apt/archives/." ${debs}/ 2>/dev/null || true`,
  SUITE,
  target,
  `deb ${mirror()} ${SUITE} main`,
];
sh(mmdebstrap[0] as string, ...mmdebstrap.slice(1));

/** Everything that earlier builds left except downloaded packages and indexes. */
const forgetResults = (): void => {
  for (const name of ['store', 'out', 'scratch']) rmSync(join(home, name), { recursive: true, force: true });
  for (const name of ['compose', 'scripts', 'records', 'layers', 'groups'])
    rmSync(join(home, 'cache', name), { recursive: true, force: true });
};
const scratch = compare(
  'compose minbase with scripts, warm package cache',
  { name: 'heraklit', argv: build, prepare: forgetResults },
  { name: 'mmdebstrap', argv: mmdebstrap },
  5,
  RUNS,
);

// One package changes: pin it to what the lock has, then let the newer one in.
const lock = readFileSync(`${recipe}.lock`, 'utf8');
cpSync(`${recipe}.lock`, `${recipe}.lock.kept`);
writeFileSync(`${recipe}.lock`, lock);
report([scratch]);
rmSync(home, { recursive: true, force: true });
