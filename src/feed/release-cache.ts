import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';

/** What stands for the URL of a state that came in a bundle. */
export const BUNDLE = 'bundle:';

/** A verified Release file as it was last fetched. */
export interface CachedRelease {
  /** The text that was signed. */
  readonly text: string;
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Milliseconds since the epoch: when the mirror last said this is current. */
  readonly checked: number;
  /** Keyring that the signature was verified with (`Keyring.id`); '' for a trusted repository. */
  readonly keyring: string;
  readonly signedBy: readonly string[];
  /** sha256 of the file as the mirror sent it. */
  readonly digest: string;
}

/** One file holds facts (first line, JSON) and content, so that they are replaced together. */
const pathOf = (directory: string, repository: string): string =>
  join(directory, 'releases', `${repository.replaceAll('/', '_')}.release`);

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file of the cache; undefined where it is missing or damaged: it is fetched anew then. */
export async function readReleaseFile(path: string): Promise<CachedRelease | undefined> {
  try {
    return readReleaseBytes(await readFile(path));
  } catch {
    return undefined;
  }
}

/** Reads what `releaseBytes` wrote; undefined where it is damaged. */
export function readReleaseBytes(bytes: Buffer): CachedRelease | undefined {
  try {
    const file = bytes.toString('utf8');
    const newline = file.indexOf('\n');
    const { sum, ...facts } = JSON.parse(file.slice(0, newline)) as Omit<CachedRelease, 'text'> & { sum: string };
    const text = file.slice(newline + 1);
    return sumOf(text) === sum ? { ...facts, text } : undefined;
  } catch {
    return undefined;
  }
}

/** The file as `readReleaseFile` takes it. */
export function releaseBytes({ text, ...facts }: CachedRelease): Buffer {
  return Buffer.from(`${JSON.stringify({ ...facts, sum: sumOf(text) })}\n${text}`);
}

export function readCachedRelease(directory: string, repository: string): Promise<CachedRelease | undefined> {
  return readReleaseFile(pathOf(directory, repository));
}

export async function writeCachedRelease(directory: string, repository: string, release: CachedRelease): Promise<void> {
  await writeFileAtomic(pathOf(directory, repository), releaseBytes(release));
}
