import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';

/** An InRelease file as it was last fetched. */
export interface CachedRelease {
  readonly bytes: Buffer;
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Milliseconds since the epoch: when the mirror last said this is current. */
  readonly checked: number;
  /** Keyring that the signature was verified with (`Keyring.id`); '' for a trusted repository. */
  readonly keyring: string;
  readonly signedBy: readonly string[];
  /** sha256 of `bytes`. */
  readonly digest: string;
}

/** One file holds facts (first line, JSON) and content, so that they are replaced together. */
const pathOf = (directory: string, repository: string): string =>
  join(directory, 'releases', `${repository.replaceAll('/', '_')}.release`);

export async function readCachedRelease(directory: string, repository: string): Promise<CachedRelease | undefined> {
  try {
    const file = await readFile(pathOf(directory, repository));
    const newline = file.indexOf(10);
    const facts = JSON.parse(file.toString('utf8', 0, newline)) as Omit<CachedRelease, 'bytes'>;
    const bytes = file.subarray(newline + 1);
    const digest = createHash('sha256').update(bytes).digest('hex');
    return digest === facts.digest ? { ...facts, bytes } : undefined;
  } catch {
    // Missing or damaged: it is fetched anew.
    return undefined;
  }
}

export async function writeCachedRelease(directory: string, repository: string, release: CachedRelease): Promise<void> {
  const { bytes, ...facts } = release;
  await writeFileAtomic(
    pathOf(directory, repository),
    Buffer.concat([Buffer.from(`${JSON.stringify(facts)}\n`), bytes]),
  );
}
