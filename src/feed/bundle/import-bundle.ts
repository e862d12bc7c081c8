import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readNormalised } from '../../advisory/index.ts';
import { syncDirectory, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type FeedWriter, listFeeds, writeFeed } from '../advisory-feeds/store.ts';
import { readStateFile } from '../flat/state-cache.ts';
import { readReleaseFile } from '../release-cache.ts';
import { dateOfRelease } from './cached-files.ts';
import { readPublicKey } from './keys.ts';
import type { BundleManifest } from './manifest.ts';
import { unpackBundle } from './read-bundle.ts';

export interface ImportBundleOptions {
  /** `Home.cache` */
  readonly cache: string;
  /** Public key (PEM) of who exported it. */
  readonly key: string;
  /** Opened only when the bundle holds advisories. */
  readonly openDatabase: () => Promise<Database>;
  readonly signal?: AbortSignal;
}

export interface ImportedBundle {
  readonly date: string;
  /** Repositories whose state is now that of the bundle. */
  readonly repositories: number;
  /** Those that are left as they were: this home knows a newer state. */
  readonly older: number;
  readonly packages: number;
  readonly feeds: number;
}

const ABANDONED = 24 * 3_600_000;

/**
 * Brings a bundle into a home: everything is verified first, in a folder aside; then files are moved to their places,
 * what is named by its hash before the Release files that name it, and advisories replace those of the same location.
 *
 * @throws FEED_KEY_INVALID, FEED_BUNDLE_UNTRUSTED, FEED_BUNDLE_INVALID; nothing was changed then
 */
export async function importBundle(path: string, options: ImportBundleOptions): Promise<ImportedBundle> {
  const key = await readPublicKey(options.key);
  const aside = join(options.cache, 'bundles');
  await sweep(aside);
  // Beside the cache's own folders: a rename must not cross file systems.
  const staging = join(aside, randomUUID());
  await mkdir(staging, { recursive: true });
  try {
    const manifest = await unpackBundle(path, key, staging, options.signal);
    // Whatever can fail does so before the first file has its place.
    const feeds = await readFeeds(manifest, staging, options);
    try {
      const { older, repositories } = await placeFiles(manifest, staging, options.cache);
      for (const { writer, facts } of feeds) await writer.finish(facts);
      const packages = manifest.files.filter((file) => file.path.startsWith('packages/')).length;
      return { date: manifest.date, repositories, older, packages, feeds: feeds.length };
    } catch (error) {
      for (const { writer } of feeds) await writer.abandon();
      throw error;
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function sweep(aside: string): Promise<void> {
  for (const name of await readdir(aside).catch(() => [])) {
    const path = join(aside, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (modified !== undefined && Date.now() - modified > ABANDONED) await rm(path, { recursive: true, force: true });
  }
}

/** What is named by its hash before the Release files that name it: a reader never meets one without the other. */
async function placeFiles(
  manifest: BundleManifest,
  staging: string,
  cache: string,
): Promise<{ older: number; repositories: number }> {
  for (const { path } of manifest.files) {
    if (/^(?:indexes|packages|changelogs)\//.test(path)) await place(join(staging, path), join(cache, path));
  }
  const releases = manifest.files.filter(({ path }) => /^(?:releases|states)\//.test(path));
  let older = 0;
  for (const { path } of releases) {
    const [from, to] = [join(staging, path), join(cache, path)];
    if (await isOlder(from, to)) older += 1;
    else await move(from, to);
  }
  for (const folder of new Set(releases.map(({ path }) => dirname(path)))) await syncDirectory(join(cache, folder));
  return { older, repositories: releases.length - older };
}

async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

/** What is named by content and already there is the same; only changelogs may have been damaged, and are replaced. */
async function place(from: string, to: string): Promise<void> {
  const isThere = await access(to).then(
    () => true,
    () => false,
  );
  if (isThere && !to.endsWith('.json')) {
    const [ours, theirs] = [(await stat(to)).size, (await stat(from)).size];
    if (ours === theirs) return;
  }
  await move(from, to);
}

/** A bundle that lay around must not take fixes away again. */
async function isOlder(from: string, to: string): Promise<boolean> {
  const [bundled, known] = [await dateOf(from), await dateOf(to)];
  return known !== undefined && (bundled === undefined || known > bundled);
}

async function dateOf(path: string): Promise<number | undefined> {
  if (path.endsWith('.state')) return (await readStateFile(path))?.date;
  const release = await readReleaseFile(path);
  return release === undefined ? undefined : dateOfRelease(release.text);
}

interface ReadFeed {
  readonly writer: FeedWriter;
  readonly facts: { readonly types: readonly string[]; readonly problems: number };
}

/** Writes the feeds of the bundle; none of them counts yet. */
async function readFeeds(
  manifest: BundleManifest,
  staging: string,
  options: ImportBundleOptions,
): Promise<readonly ReadFeed[]> {
  if (manifest.feeds.length === 0) return [];
  const database = await options.openDatabase();
  const known = new Map((await listFeeds(database.kysely)).map((feed) => [feed.location, feed.digest]));
  const read: ReadFeed[] = [];
  try {
    for (const { path, types, problems, ...feed } of manifest.feeds) {
      if (known.get(feed.location) === feed.digest) continue;
      const writer = await writeFeed(database, { ...feed, now: new Date(systemClock.now()) });
      read.push({ writer, facts: { types, problems } });
      for await (const advisory of readNormalised(createReadStream(join(staging, path)), path))
        await writer.add(advisory);
    }
  } catch (error) {
    for (const { writer } of read) await writer.abandon();
    throw error;
  }
  return read;
}
