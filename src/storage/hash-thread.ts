/**
 * The thread's side of `threaded-hash.ts`: hashes files behind their writer, from the page cache. Imports nothing but
 * Node, because every start of it is waited for.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

export type Order =
  | { readonly kind: 'begin'; readonly id: number; readonly algorithm: string }
  /** Bytes of the open file up to `end` are written; answered when they are hashed. */
  | { readonly kind: 'advance'; readonly id: number; readonly fd: number; readonly end: number }
  | { readonly kind: 'digest'; readonly id: number }
  | { readonly kind: 'drop'; readonly id: number };

export interface Done {
  readonly id: number;
  /** Of `digest`. */
  readonly hex?: string;
  /** The file could not be read. */
  readonly failed?: boolean;
}

const CHUNK = 512 * 1024;
const chunk = Buffer.allocUnsafeSlow(CHUNK);
const files = new Map<number, { readonly hash: Hash; position: number; failed: boolean }>();

function obey(order: Order): Done | undefined {
  const { id } = order;
  if (order.kind === 'begin') files.set(id, { hash: createHash(order.algorithm), position: 0, failed: false });
  const file = files.get(id);
  if (order.kind === 'drop') files.delete(id);
  if (order.kind === 'begin' || order.kind === 'drop') return undefined;
  if (file === undefined || file.failed) return { id, failed: true };
  if (order.kind === 'digest') return { id, hex: file.hash.copy().digest('hex') };
  try {
    while (file.position < order.end) {
      const read = readSync(order.fd, chunk, 0, Math.min(CHUNK, order.end - file.position), file.position);
      if (read === 0) throw new Error('the file is shorter than was said');
      file.hash.update(chunk.subarray(0, read));
      file.position += read;
    }
    return { id };
  } catch {
    file.failed = true;
    return { id, failed: true };
  }
}

parentPort?.on('message', (order: Order) => {
  const done = obey(order);
  if (done !== undefined) parentPort?.postMessage(done);
});
