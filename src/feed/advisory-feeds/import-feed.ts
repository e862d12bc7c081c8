import { resolve } from 'node:path';
import { type Advisory, type AdvisoryType, openDocument } from '../../advisory/index.ts';
import {
  type Clock,
  isHeraklitError,
  messageOf,
  type Progress,
  redact,
  silentProgress,
  systemClock,
} from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { feedError } from '../errors.ts';
import { documentsOf, type FeedDocument } from './documents.ts';
import { isUrl, type LocalCopy, localCopy } from './local-copy.ts';
import { type FeedWriter, type ImportedFeed, listFeeds, writeFeed } from './store.ts';

export interface ImportOptions {
  readonly database: Database;
  /** Folder for downloads (`Home.scratch`). */
  readonly scratch: string;
  /** What the documents are; default: told from their beginning. */
  readonly type?: AdvisoryType;
  /** For documents that do not name theirs: `rocky/9`. */
  readonly distribution?: string;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface ImportResult {
  /** `unchanged`: the same bytes were imported before. */
  readonly kind: 'imported' | 'unchanged';
  readonly feed: ImportedFeed;
  /** Parts that were passed over, a bounded number of them. */
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 100;

/** Credentials in a URL are used, and not kept. */
export const feedLocation = (location: string): string =>
  isUrl(location) ? redact(location) : location.startsWith('file:') ? location : resolve(location);

/**
 * Imports what a file, folder or URL says. The same bytes again change nothing; other bytes replace what the location
 * said before, all at once. An import that fails leaves everything as it was.
 *
 * @throws FEED_DOCUMENT_*, FEED_UNREACHABLE, FEED_NOT_FOUND, ADVISORY_*, ARCHIVE_*
 */
export async function importFeed(location: string, options: ImportOptions): Promise<ImportResult> {
  const { database, clock = systemClock } = options;
  const name = feedLocation(location);
  const copy = await localCopy(location, options.scratch, options.signal);
  try {
    const known = (await listFeeds(database.kysely)).find((feed) => feed.location === name);
    const { type: askedType = '', distribution = '' } = options;
    if (
      known !== undefined &&
      known.digest === copy.digest &&
      known.distribution === distribution &&
      (known.askedType ?? '') === askedType
    ) {
      return { kind: 'unchanged', feed: known, problems: [] };
    }
    const facts = { digest: copy.digest, bytes: copy.bytes, now: new Date(clock.now()) };
    const writer = await writeFeed(database, { location: name, distribution, askedType, ...facts });
    try {
      return await readInto(writer, copy, name, options);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  } finally {
    await copy.close();
  }
}

async function readInto(
  writer: FeedWriter,
  copy: LocalCopy,
  name: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const problems: string[] = [];
  const types = new Set<AdvisoryType>();
  const { progress = silentProgress } = options;
  let [count, problemCount, isEmpty] = [0, 0, true];
  const onProblem = (problem: string): void => {
    problemCount += 1;
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const take = async (advisory: Advisory): Promise<void> => {
    await writer.add(advisory);
    isEmpty = false;
    count += 1;
    if (count % 1_000 === 0) progress.update('advisories', count, 0, name);
  };
  for (const file of copy.files) {
    for await (const document of documentsOf(file.path, file.name)) {
      options.signal?.throwIfAborted();
      const isOne = !document.isMember && copy.files.length === 1;
      const type = await (isOne
        ? readDocument(document, options, onProblem, take)
        : readMember(document, options, onProblem, take));
      if (type !== undefined) types.add(type);
    }
  }
  if (isEmpty) {
    const why = problems[0] === undefined ? '' : `; the first problem: ${problems[0]}`;
    throw feedError('FEED_DOCUMENT_EMPTY', `${name} holds no advisory${why}`, {
      hint: 'Check what it is, and say so with --type.',
    });
  }
  const feed = await writer.finish({ types: [...types].sort(), problems: problemCount });
  return { kind: 'imported', feed, problems };
}

type Take = (advisory: Advisory) => Promise<void>;

async function readDocument(
  document: FeedDocument,
  options: ImportOptions,
  onProblem: (problem: string) => void,
  take: Take,
): Promise<AdvisoryType> {
  const { distribution, type } = options;
  const read = { what: document.name, onProblem, ...(distribution === undefined ? {} : { distribution }) };
  const opened = await openDocument(document.bytes, read, type);
  for await (const advisory of opened.advisories) await take(advisory);
  return opened.type;
}

/** One of many: all of it, or none of it and a problem told. */
async function readMember(
  document: FeedDocument,
  options: ImportOptions,
  onProblem: (problem: string) => void,
  take: Take,
): Promise<AdvisoryType | undefined> {
  const read: Advisory[] = [];
  try {
    const type = await readDocument(
      document,
      options,
      (problem) => onProblem(`${document.name}: ${problem}`),
      async (advisory) => void read.push(advisory),
    );
    for (const advisory of read) await take(advisory);
    return type;
  } catch (error) {
    if (!isHeraklitError(error, 'ADVISORY_INVALID', 'ADVISORY_LIMIT', 'ADVISORY_TYPE_UNKNOWN')) throw error;
    onProblem(messageOf(error));
    return undefined;
  }
}
