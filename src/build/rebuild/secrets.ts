import { readFile, stat } from 'node:fs/promises';
import type { BuildSecret } from './build-secret.ts';
import { rebuildError } from './errors.ts';

const MAX_SECRET_BYTES = 1024 * 1024;
/** Shorter values stand in any image by chance. */
const SHORTEST = 8;

/** Looks for the values of secrets in what a build made. */
export interface SecretSearch {
  /** False where there are none to look for. */
  readonly wanted: boolean;
  /** @throws REBUILD_SECRET_KEPT */
  check(bytes: Uint8Array, where: string): void;
  /** The same for a stream, across its chunks. */
  watch(where: string): (chunk: Uint8Array) => void;
}

/** Values of secrets, for search and masks. @throws REBUILD_CONTEXT_INVALID */
export async function readSecrets(secrets: readonly BuildSecret[]): Promise<ReadonlyMap<string, Buffer>> {
  const values = new Map<string, Buffer>();
  for (const { id, source } of secrets) {
    const facts = await stat(source).catch(() => undefined);
    if (facts?.isFile() !== true || facts.size > MAX_SECRET_BYTES) {
      throw rebuildError(
        'REBUILD_CONTEXT_INVALID',
        `the secret ${id} is no readable file of at most ${MAX_SECRET_BYTES} bytes: ${source}`,
      );
    }
    values.set(id, await readFile(source));
  }
  return values;
}

export function createSecretSearch(values: ReadonlyMap<string, Buffer>): SecretSearch {
  const wanted = [...values].flatMap(([id, value]) => {
    const trimmed = Buffer.from(value.toString('latin1').trim(), 'latin1');
    return trimmed.length < SHORTEST ? [] : [{ id, value: trimmed }];
  });
  const longest = Math.max(0, ...wanted.map(({ value }) => value.length));
  const check = (bytes: Uint8Array, where: string): void => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = wanted.find(({ value }) => buffer.includes(value));
    if (found === undefined) return;
    throw rebuildError('REBUILD_SECRET_KEPT', `the secret ${found.id} stands in ${where} of the image`, {
      hint: 'Read it in the RUN instruction that mounts it, and write it nowhere: no ARG, no ENV, no file that stays.',
    });
  };
  return {
    wanted: wanted.length > 0,
    check,
    watch(where) {
      let tail = Buffer.alloc(0);
      return (chunk) => {
        if (longest === 0) return;
        const joined = Buffer.concat([tail, chunk]);
        check(joined, where);
        tail = joined.subarray(Math.max(0, joined.length - longest + 1));
      };
    },
  };
}
