import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readStateFile, stateBytes } from '../flat/state-cache.ts';
import { BUNDLE, type CachedRelease, readReleaseFile, releaseBytes } from '../release-cache.ts';
import type { BundleFile } from './manifest.ts';

/** A member of a bundle and where its bytes are. */
export interface BundleMember extends BundleFile {
  /** Bytes, or the file they are in. */
  readonly content: Uint8Array | { readonly path: string };
}

export async function memberOfFile(path: string, file: string): Promise<BundleMember> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { path, size, sha256: hash.digest('hex'), content: { path: file } };
}

export function memberOfBytes(path: string, content: Uint8Array): BundleMember {
  return { path, size: content.length, sha256: createHash('sha256').update(content).digest('hex'), content };
}

const HASH = /\b[0-9a-f]{64}\b/g;

/** Milliseconds since the epoch: `Date` of a Release file, the newest file of a repomd.xml; undefined where none stands. */
export function dateOfRelease(text: string): number | undefined {
  const date = Date.parse(/^Date: (.+)$/m.exec(text)?.[1] ?? '');
  if (!Number.isNaN(date)) return date;
  const stamps = [...text.matchAll(/<(?:timestamp|revision)>(\d{9,10})</g)].map((match) => Number(match[1]) * 1000);
  return stamps.length === 0 ? undefined : stamps.reduce((a, b) => Math.max(a, b));
}

/** What is said of a mirror stays at home: addresses of one network mean nothing in another, and may be secret. */
const withoutMirror = (release: CachedRelease, name: string): CachedRelease => ({
  ...release,
  url: `${BUNDLE}${name}`,
  etag: undefined,
  lastModified: undefined,
  checked: 0,
});

export interface CachedRepositories {
  readonly names: readonly string[];
  /** ISO 8601: the newest of the repositories' own dates. */
  readonly date: string;
  readonly members: readonly BundleMember[];
}

/**
 * Verified Release files of the cache, and those of their indexes that are there.
 * @param isWanted by the name in the cache: `debian_trixie-security`
 */
export async function cachedRepositories(
  cache: string,
  isWanted: (name: string) => boolean,
): Promise<CachedRepositories> {
  const members: BundleMember[] = [];
  const names: string[] = [];
  const dates: number[] = [];
  const indexes = new Map<string, string>();
  for (const name of (await readdir(join(cache, 'releases')).catch(() => [])).sort()) {
    const repository = /^(.+)\.release$/.exec(name)?.[1];
    if (repository === undefined || !isWanted(repository)) continue;
    const release = await readReleaseFile(join(cache, 'releases', name));
    // A repository without signature (trusted) is vouched for by its fleet file alone, which does not travel.
    if (release === undefined || release.keyring === '') continue;
    names.push(repository);
    dates.push(dateOfRelease(release.text) ?? 0);
    members.push(memberOfBytes(`releases/${name}`, releaseBytes(withoutMirror(release, repository))));
    for (const path of await indexesOf(cache, release)) indexes.set(path, join(cache, path));
  }
  for (const [path, file] of [...indexes].sort(([a], [b]) => (a < b ? -1 : 1)))
    members.push(await memberOfFile(path, file));
  const states = await cachedStates(cache, isWanted);
  const newest = [...dates, ...states.map((state) => state.date * 1000)].reduce((a, b) => Math.max(a, b), 0);
  return {
    names: [...names, ...states.map(({ name }) => name)],
    date: new Date(newest).toISOString(),
    members: [...members, ...states.map(({ member }) => member)],
  };
}

interface BundledState {
  readonly name: string;
  /** Seconds since the epoch. */
  readonly date: number;
  readonly member: BundleMember;
}

/** Verified indexes that are one file each (apk, pacman). */
async function cachedStates(cache: string, isWanted: (name: string) => boolean): Promise<readonly BundledState[]> {
  const states: BundledState[] = [];
  for (const file of (await readdir(join(cache, 'states')).catch(() => [])).sort()) {
    const name = /^(.+)\.state$/.exec(file)?.[1];
    if (name === undefined || !isWanted(name)) continue;
    const state = await readStateFile(join(cache, 'states', file));
    if (state === undefined || !state.verified) continue;
    const travelling = { ...state, url: `${BUNDLE}${name}`, etag: undefined, lastModified: undefined, checked: 0 };
    states.push({ name, date: state.date, member: memberOfBytes(`states/${file}`, stateBytes(travelling)) });
  }
  return states;
}

/** The signed text names its indexes by hash; the cache names them so too. */
async function indexesOf(cache: string, { text }: CachedRelease): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = new Map<string, readonly string[]>();
  for (const hash of new Set(text.match(HASH))) {
    const folder = `indexes/${hash.slice(0, 2)}`;
    if (!folders.has(folder)) folders.set(folder, await readdir(join(cache, folder)).catch(() => []));
    for (const name of folders.get(folder) ?? []) if (name.startsWith(`${hash}.`)) found.push(`${folder}/${name}`);
  }
  return found;
}

/** Changelogs that were read out of packages: what explains findings where those packages are not at hand. */
export async function cachedChangelogs(
  cache: string,
  isWanted: (name: string) => boolean,
): Promise<readonly BundleMember[]> {
  const folder = join(cache, 'changelogs');
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => /\.v\d+\.json$/.test(name) && isWanted(name))
    .sort();
  return Promise.all(
    names.map(async (name) => memberOfBytes(`changelogs/${name}`, await readFile(join(folder, name)))),
  );
}

/** @param sha256 of packages that lie in the cache */
export async function cachedPackages(cache: string, sha256: Iterable<string>): Promise<readonly BundleMember[]> {
  const members: BundleMember[] = [];
  for (const hash of [...new Set(sha256)].sort()) {
    const path = `packages/${hash.slice(0, 2)}/${hash}.deb`;
    const file = join(cache, path);
    await stat(file);
    members.push(await memberOfFile(path, file));
  }
  return members;
}
