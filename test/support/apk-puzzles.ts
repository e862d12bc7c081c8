import { spawnSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ApkChange,
  createApkUniverse,
  openApkIndex,
  parseDependencies,
  solveApk,
} from '../../src/distro/index.ts';
import { type ApkSpec, buildApk, buildApkIndex } from '../../src/distro/testing/apk-packages.ts';
import { apkTool } from './apk-tool.ts';
import { put } from './apk-world.ts';
import { seededNumbers } from './version-pairs.ts';

/** Repositories without content, and what is asked of them. */
export interface ApkPuzzle {
  /** By repository: `main`, `community`, and `edge`, which has the tag @edge. */
  readonly repositories: Readonly<Record<(typeof REPOSITORIES)[number], readonly ApkSpec[]>>;
  readonly world: readonly string[];
}

const REPOSITORIES = ['main', 'community', 'edge'] as const;
const NAMES = ['app', 'bash', 'cron', 'doc', 'editor', 'font', 'git', 'http', 'icu', 'jq', 'kit', 'lib'];
const VIRTUALS = ['so:liba.so.1', 'so:libb.so.2', 'cmd:tool', 'mail', 'shell'];

/** A puzzle by its number: the same on every machine. */
export function apkPuzzle(number: number): ApkPuzzle {
  const below = seededNumbers(7919 * number + 17);
  // The first numbers of neighbouring seeds are alike.
  for (let skipped = 0; skipped < 20; skipped += 1) below(2);
  const often = (times: number): boolean => below(times) === 0;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  // As on a mirror: one version of a package in each repository, `edge` ahead of the others.
  const versions = ['1.0-r0', '1.1-r0', '1.1-r1', '2.0-r0'];
  const limits = ['>1.0', '>=1.1', '<2.0', '=1.1-r0', '~1.1', '~2'];
  const request = (name: string): string => name + (often(8) ? pick(limits) : '');
  const spec = (name: string, version: string): ApkSpec => {
    // Circles are rare; so are packages that nobody has.
    const others = often(12) ? NAMES : NAMES.slice(NAMES.indexOf(name) + 1);
    const depends = [
      ...(others.length === 0 ? [] : Array.from({ length: below(3) }, () => request(pick(others)))),
      ...(often(8) ? [pick(VIRTUALS)] : []),
      ...(often(16) ? [`!${pick(NAMES)}`] : []),
    ].filter((word) => !word.startsWith(name) && word !== `!${name}`);
    const provides = VIRTUALS.filter(() => often(10)).map((virtual) =>
      /^(?:so|cmd):/.test(virtual) || often(3) ? `${virtual}=${version}` : virtual,
    );
    return {
      ...{ name, version },
      ...(depends.length === 0 ? {} : { depends: [...new Set(depends)] }),
      ...(provides.length === 0 ? {} : { provides }),
      ...(provides.length > 0 && often(2) ? { providerPriority: 10 * (1 + below(3)) } : {}),
      ...(often(9) ? { installIf: [pick(NAMES), pick(NAMES)].filter((one) => one !== name) } : {}),
    };
  };
  const repository = (names: readonly string[], from: number): readonly ApkSpec[] =>
    names.map((name) => spec(name, versions[from + below(versions.length - from)] as string));
  const world = [...new Set(Array.from({ length: 1 + below(4) }, () => pick(NAMES)))].map((name) =>
    often(8) ? `${name}@edge` : often(16) ? `!${name}` : request(name),
  );
  if (often(6)) world.push(pick(VIRTUALS));
  const main = NAMES.filter(() => !often(3));
  // Now and then a package is in two of them.
  const community = NAMES.filter((name) => !main.includes(name) || often(10));
  const edge = NAMES.filter(() => often(2));
  return {
    repositories: { main: repository(main, 0), community: repository(community, 0), edge: repository(edge, 2) },
    world,
  };
}

const indexOf = (specs: readonly ApkSpec[]): Buffer => buildApkIndex(specs.map((spec) => buildApk(spec)));

/** `name-version` of what is installed, in apk's order; undefined: it cannot be. */
export type ApkAnswer = readonly string[] | undefined;

/** What the real apk says. */
export async function apkAnswer(puzzle: ApkPuzzle, folder: string): Promise<ApkAnswer> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'root'), { recursive: true });
  for (const name of REPOSITORIES) {
    await put(join(folder, name, 'x86_64', 'APKINDEX.tar.gz'), indexOf(puzzle.repositories[name]));
  }
  for (const name of ['installed', 'triggers']) await put(join(folder, 'root/lib/apk/db', name), '');
  await put(join(folder, 'root/etc/apk/world'), '');
  const lines = REPOSITORIES.map((name) => `${name === 'edge' ? '@edge ' : ''}${join(folder, name)}\n`);
  await put(join(folder, 'root/etc/apk/repositories'), lines.join(''));
  const options = ['--root', join(folder, 'root'), '--arch', 'x86_64', '--no-cache', '--no-network'];
  const args = [...options, '--allow-untrusted', '--simulate', 'add', '--', ...puzzle.world];
  const { status, stdout } = spawnSync(apkTool as string, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return [...stdout.matchAll(/^\( *\d+\/\d+\) Installing (\S+) \(([^)]+)\)/gm)].map(
    ([, name, version]) => `${name?.replace(/@.*/, '')}-${version?.replace(/@.*/, '')}`,
  );
}

/** What our solver says. */
export async function ourAnswer({ repositories, world }: ApkPuzzle): Promise<ApkAnswer> {
  const snapshots = await Promise.all(
    REPOSITORIES.map(async (name) => {
      const origin = { id: name, security: false, architecture: 'x86_64', folder: '' };
      const { packages } = await openApkIndex(indexOf(repositories[name]), origin, { keyring: undefined, what: name });
      return { id: name, packages } as unknown as Parameters<typeof createApkUniverse>[0][number];
    }),
  );
  const universe = createApkUniverse(snapshots, new Map([['edge', 'edge']]));
  const solution = solveApk({ universe, installed: [], world: parseDependencies(world.join(' ')), upgrade: 'all' });
  if (solution.kind === 'unsolvable' || solution.ignored.length > 0) return undefined;
  return solution.changes.map(({ to }: ApkChange) => `${to?.name}-${to?.version}`);
}
