import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';

/** An index, verified when it came, as a mirror sent it. */
export interface CachedState {
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Milliseconds since the epoch: when a mirror last said that this is current. */
  readonly checked: number;
  /** Seconds since the epoch: the state's own date. */
  readonly date: number;
  readonly bytes: Buffer;
  /** A detached signature that came with it. */
  readonly signature: Buffer | undefined;
  /** False for what was taken because its user said to trust the repository. */
  readonly verified: boolean;
}

/** One file holds facts (first line, JSON) and contents, so that they are replaced together. */
const pathOf = (directory: string, repository: string): string =>
  join(directory, 'states', `${repository.replaceAll(/[^\w.-]/g, '_')}.state`);

const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A file of the cache; undefined where it is missing or damaged: it is fetched anew then. */
export async function readStateFile(path: string): Promise<CachedState | undefined> {
  try {
    const file = await readFile(path);
    const newline = file.indexOf(10);
    const { sum, signed, ...facts } = JSON.parse(file.toString('utf8', 0, newline)) as Omit<
      CachedState,
      'bytes' | 'signature'
    > & { sum: string; signed: string | undefined };
    const bytes = file.subarray(newline + 1);
    if (sumOf(bytes) !== sum) return undefined;
    return { ...facts, bytes, signature: signed === undefined ? undefined : Buffer.from(signed, 'base64') };
  } catch {
    return undefined;
  }
}

/** The file as `readStateFile` takes it. */
export function stateBytes({ bytes, signature, ...facts }: CachedState): Buffer {
  const line = JSON.stringify({ ...facts, sum: sumOf(bytes), signed: signature?.toString('base64') });
  return Buffer.concat([Buffer.from(`${line}\n`), bytes]);
}

export function readCachedState(directory: string, repository: string): Promise<CachedState | undefined> {
  return readStateFile(pathOf(directory, repository));
}

export async function writeCachedState(directory: string, repository: string, state: CachedState): Promise<void> {
  await writeFileAtomic(pathOf(directory, repository), stateBytes(state));
}
