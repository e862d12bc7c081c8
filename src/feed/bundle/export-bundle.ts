import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { normalisedLine } from '../../advisory/index.ts';
import type { Database } from '../../database/index.ts';
import { advisoriesOfFeed, listFeeds } from '../advisory-feeds/store.ts';
import { feedError } from '../errors.ts';
import {
  type BundleMember,
  cachedChangelogs,
  cachedPackages,
  cachedRepositories,
  memberOfFile,
} from './cached-files.ts';
import { readPrivateKey } from './keys.ts';
import type { BundledFeed } from './manifest.ts';
import { writeBundle } from './write-bundle.ts';

export interface ExportBundleOptions {
  /** `Home.cache` */
  readonly cache: string;
  /** Private key (PEM, ed25519). */
  readonly key: string;
  /** Names of repositories as the cache has them (`debian_trixie-security`); default: all. */
  readonly isWanted?: (repository: string) => boolean;
  /** sha256 of packages that were fetched for it. */
  readonly packages?: readonly string[];
  /** `SOURCE_VERSION` of changelogs to take along; default: all that were read. */
  readonly changelogs?: ReadonlySet<string>;
  /** Where imported advisories are; undefined: none go along. */
  readonly database: Database | undefined;
  readonly signal?: AbortSignal;
}

export interface ExportedBundle {
  readonly date: string;
  readonly repositories: readonly string[];
  readonly packages: number;
  readonly feeds: number;
  /** Of the files in it, unpacked. */
  readonly bytes: number;
}

/**
 * Writes what a machine without network needs: verified repository states, changelogs, packages, imported advisories.
 * @throws FEED_KEY_INVALID, FEED_BUNDLE_EMPTY, DISK_FULL
 */
export async function exportBundle(path: string, options: ExportBundleOptions): Promise<ExportedBundle> {
  const key = await readPrivateKey(options.key);
  const { cache, database } = options;
  const repositories = await cachedRepositories(cache, options.isWanted ?? (() => true));
  const changelogs = await cachedChangelogs(cache, (name) => options.changelogs?.has(name) ?? true);
  const packages = await cachedPackages(cache, options.packages ?? []);
  const scratch = join(cache, 'bundles', randomUUID());
  await mkdir(scratch, { recursive: true });
  try {
    const advisories = database === undefined ? { members: [], feeds: [] } : await exportFeeds(database, scratch);
    const { feeds } = advisories;
    const members = [...repositories.members, ...changelogs, ...packages, ...advisories.members];
    if (repositories.names.length === 0 && feeds.length === 0) {
      throw feedError(
        'FEED_BUNDLE_EMPTY',
        'there is no verified repository state in the cache, and no advisory was imported',
        {
          hint: 'Name distributions with --distribution, or images with --packages; both are fetched first.',
        },
      );
    }
    const manifest = await writeBundle(path, { date: repositories.date, feeds, members }, key, options.signal);
    const bytes = manifest.files.reduce((sum, file) => sum + file.size, 0);
    const counts = { packages: packages.length, feeds: feeds.length, bytes };
    return { date: manifest.date, repositories: repositories.names, ...counts };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function exportFeeds(
  database: Database,
  scratch: string,
): Promise<{ members: readonly BundleMember[]; feeds: readonly BundledFeed[] }> {
  const members: BundleMember[] = [];
  const feeds: BundledFeed[] = [];
  for (const [index, feed] of (await listFeeds(database.kysely)).entries()) {
    const name = `${index}.jsonl`;
    const lines = async function* (): AsyncGenerator<string, void> {
      for await (const advisory of advisoriesOfFeed(database.kysely, feed.id)) yield normalisedLine(advisory);
    };
    await pipeline(Readable.from(lines()), createWriteStream(join(scratch, name), { flags: 'wx' }));
    const path = `advisories/${name}`;
    members.push(await memberOfFile(path, join(scratch, name)));
    const { location, distribution, askedType = '', types, digest, bytes, problems } = feed;
    feeds.push({ path, location, distribution, askedType, types, digest, bytes, problems });
  }
  return { members, feeds };
}
