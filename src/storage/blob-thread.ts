/**
 * The thread's side of `threaded-blobs.ts`: writes small blobs, as many together as wait, with one sync of their folder.
 * Imports nothing but Node, because its start is waited for.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';

export interface BlobOrder {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Where it is written aside, and what it becomes in `folder`. */
  readonly scratch: string;
  readonly target: string;
  readonly folder: string;
}

export type BlobDone =
  | { readonly id: number; readonly kind: 'written' }
  /** It was there with the right size; since when, in ms since the epoch. */
  | { readonly id: number; readonly kind: 'present'; readonly modified: number }
  | {
      readonly id: number;
      readonly kind: 'failed';
      readonly error: { readonly message: string; readonly code?: string };
    };

/** Blobs written before they are synced: each holds a file open. */
const MOST = 128;

interface Begun {
  readonly order: BlobOrder;
  readonly file: number;
}

function failed({ id }: BlobOrder, error: unknown): BlobDone {
  const { message, code } = error as NodeJS.ErrnoException;
  return { id, kind: 'failed', error: { message: String(message), ...(code === undefined ? {} : { code }) } };
}

function begin(order: BlobOrder): Begun | BlobDone {
  const found = statSync(order.target, { throwIfNoEntry: false });
  if (found?.isFile() === true && found.size === order.bytes.length) {
    return { id: order.id, kind: 'present', modified: found.mtimeMs };
  }
  const file = create(order.scratch);
  try {
    for (let done = 0; done < order.bytes.length; ) done += writeSync(file, order.bytes, done);
    return { order, file };
  } catch (error) {
    closeSync(file);
    rmSync(order.scratch, { force: true });
    throw error;
  }
}

/** Its folder is made with the first of them. */
function create(path: string): number {
  try {
    return openSync(path, 'wx', 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'wx', 0o644);
  }
}

function finish({ order, file }: Begun): void {
  try {
    fsyncSync(file);
  } catch (error) {
    rmSync(order.scratch, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(order.scratch, order.target);
}

/** As `syncDirectory`: ignored where the file system has no such thing. */
function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } catch {
    // EINVAL.
  } finally {
    closeSync(file);
  }
}

function obey(orders: readonly BlobOrder[]): readonly BlobDone[] {
  const done: BlobDone[] = [];
  const begun: Begun[] = [];
  /** Twice the same in one batch: the second one is what the first one wrote. */
  const targets = new Map<string, BlobOrder>();
  const twins: BlobOrder[] = [];
  for (const order of orders) {
    if (targets.has(order.target)) {
      twins.push(order);
      continue;
    }
    targets.set(order.target, order);
    try {
      const one = begin(order);
      if ('file' in one) begun.push(one);
      else done.push(one);
    } catch (error) {
      done.push(failed(order, error));
    }
  }
  const folders = new Set<string>();
  const written: BlobOrder[] = [];
  for (const one of begun) {
    try {
      finish(one);
      folders.add(one.order.folder);
      written.push(one.order);
    } catch (error) {
      done.push(failed(one.order, error));
    }
  }
  // A blob that was there may be one whose folder another process has renamed and not synced yet.
  for (const { folder } of targets.values()) folders.add(folder);
  for (const folder of folders) syncFolder(folder);
  done.push(...written.map(({ id }): BlobDone => ({ id, kind: 'written' })));
  const known = new Map(done.map((one) => [one.id, one]));
  for (const twin of twins) {
    const first = known.get((targets.get(twin.target) as BlobOrder).id) as BlobDone;
    done.push({ ...first, id: twin.id });
  }
  return done;
}

parentPort?.on('message', (first: BlobOrder) => {
  const orders = [first];
  while (parentPort !== null && orders.length < MOST) {
    const more = receiveMessageOnPort(parentPort) as { readonly message: BlobOrder } | undefined;
    if (more === undefined) break;
    orders.push(more.message);
  }
  let done: readonly BlobDone[];
  try {
    done = obey(orders);
  } catch (error) {
    done = orders.map((order) => failed(order, error));
  }
  parentPort?.postMessage(done);
});
