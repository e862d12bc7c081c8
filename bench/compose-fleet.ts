/**
 * A fleet of composed images takes one openssl update. Each image is a choice of real trixie packages and a file of its own;
 * all have openssl. First all are built from the release; then each lock moves `src:openssl` and what it needs, and all are
 * built again. Reported: images a second, bytes of layers built, and what the store (so a registry) grows by, beside what
 * rebuilding each image without shared layers would build, store and push.
 *
 * node bench/compose-fleet.ts [images] [images with maintainer scripts]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ComposedImage, compose, type Lock } from '../src/build/index.ts';
import { createPackageCache, discoverMirrors, openRepositories } from '../src/feed/index.ts';
import { parseRecipe } from '../src/recipe/index.ts';
import { openBlobStore } from '../src/storage/index.ts';

const [IMAGES, WITH_SCRIPTS] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 0)];
const ALWAYS = ['base-files', 'base-passwd', 'ca-certificates', 'openssl', 'tzdata'];
const POOL = [
  ...['curl', 'python3-minimal', 'perl-base', 'nginx', 'sqlite3', 'git', 'jq', 'xz-utils', 'gnupg', 'rsync', 'procps'],
  ...[
    'iproute2',
    'dash',
    'coreutils',
    'busybox',
    'wget',
    'openssh-client',
    'libxml2-utils',
    'postgresql-client-17',
    'redis-server',
  ],
];
const CHOSEN = 5;

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

const root = mkdtempSync(join(tmpdir(), 'bench-compose-fleet-'));
const [cache, scratch] = [join(root, 'cache'), join(root, 'scratch')];
const store = await openBlobStore(join(root, 'store'), { thread: true });
const mirrors = await discoverMirrors({ id: 'debian' });
const packages = createPackageCache({ directory: cache, mirrors });
const all = await openRepositories({ distribution: 'debian/trixie', architecture: 'amd64', mirrors, cache });
const released = all.filter(({ pocket }) => pocket === 'release');

const random = seededRandom(5);
const recipes = Array.from({ length: IMAGES + WITH_SCRIPTS }, (_, index) => {
  const chosen = new Set<string>();
  while (chosen.size < CHOSEN) chosen.add(POOL[Math.floor(random() * POOL.length)] as string);
  const scripts = index < IMAGES ? 'none' : 'run';
  return parseRecipe(
    `apiVersion: heraklit/v1\nkind: Image\nname: image-${index}\ndistribution: debian/trixie\nscripts: ${scripts}\npackages: [${[...ALWAYS, ...chosen]}]\nfiles: [{ path: /etc/image, content: "${index}" }]\n`,
  );
});

function build(index: number, repositories: typeof all, lock?: Lock): Promise<ComposedImage> {
  return compose({
    ...{
      recipe: recipes[index] as (typeof recipes)[number],
      directory: root,
      architecture: 'amd64',
      store,
      cache,
      scratch,
    },
    repositories: async () => repositories,
    fetchPackage: async (item, signal) => readFile(await packages.fetch(item, signal)),
    ...(lock === undefined ? {} : { lock, update: ['src:openssl'] }),
  });
}

function storedBytes(): number {
  const folder = join(root, 'store', 'blobs', 'sha256');
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const MB = 1_000_000;
const megabytes = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`;
const loadAverage = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];

interface Round {
  readonly images: readonly ComposedImage[];
  readonly seconds: number;
  readonly processor: number;
  readonly grown: number;
}

async function round(
  from: number,
  to: number,
  repositories: typeof all,
  before?: readonly ComposedImage[],
): Promise<Round> {
  const [stored, started, cpu] = [storedBytes(), performance.now(), process.cpuUsage()];
  const images: ComposedImage[] = [];
  for (let index = from; index < to; index += 1) {
    images.push(await build(index, repositories, before?.[index - from]?.lock));
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1000;
  return { images, seconds, processor: (user + system) / 1e6, grown: storedBytes() - stored };
}

function report(what: string, { images, seconds, processor, grown }: Round): void {
  const built = images.reduce((sum, { statistics }) => sum + statistics.bytesBuilt, 0);
  const layers = images.reduce((sum, { statistics }) => sum + statistics.layersBuilt, 0);
  const whole = images.reduce(
    (sum, { manifest }) => sum + manifest.layers.reduce((bytes, { size }) => bytes + size, 0),
    0,
  );
  console.log(
    `${what}: ${images.length} images in ${seconds.toFixed(1)} s (${(images.length / seconds).toFixed(1)} a second; ${((processor * 1000) / images.length).toFixed(0)} ms of processor each)`,
  );
  console.log(
    `  ${layers} layers built, ${megabytes(built)}; stored and pushed ${megabytes(grown)} (manifests and configs included); a rebuild of each: ${megabytes(whole)}, ${(whole / grown).toFixed(0)} times as much`,
  );
}

try {
  console.log(`load average before: ${loadAverage}`);
  for (const [what, from, to] of [
    ['scripts: none', 0, IMAGES],
    ['scripts: run', IMAGES, IMAGES + WITH_SCRIPTS],
  ] as const) {
    if (from === to) continue;
    const first = await round(from, to, released);
    report(`${what}, first build`, first);
    const updated = await round(from, to, all, first.images);
    const moved = new Set(updated.images.flatMap(({ changes }) => changes.map((change) => change.package)));
    const groups = new Set(
      updated.images.flatMap(({ manifest, config }, at) => {
        const old = new Set(first.images[at]?.manifest.layers.map(({ digest }) => digest));
        const own = config.history?.slice(-manifest.layers.length) ?? [];
        return manifest.layers.flatMap(({ digest }, layer) =>
          old.has(digest) || /^(?:package database|files and users)/.test(own[layer]?.comment ?? '') ? [] : [digest],
        );
      }),
    );
    report(`${what}, one openssl update`, updated);
    console.log(`  moved: ${[...moved].sort().join(', ')}; ${groups.size} new package layers in the whole fleet`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
