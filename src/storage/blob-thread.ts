/**
 * The thread's side of `threaded-blobs.ts`: writes small blobs, as many together as wait, with one sync of their folder.
 * Imports nothing but Node, because its start is waited for.
 */
import { closeSync, fsync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
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

const sync = promisify(fsync);

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

/** One alone is synced here; those of a batch side by side, as the file system makes one commit of syncs that overlap. */
async function finish({ order, file }: Begun, alone: boolean): Promise<void> {
  try {
    if (alone) fsyncSync(file);
    else await sync(file);
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

async function obey(orders: readonly BlobOrder[]): Promise<readonly BlobDone[]> {
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
  const written: BlobOrder[] = [];
  const ends = await Promise.allSettled(begun.map((one) => finish(one, begun.length === 1)));
  for (const [at, { order }] of begun.entries()) {
    const end = ends[at] as PromiseSettledResult<void>;
    if (end.status === 'fulfilled') written.push(order);
    else done.push(failed(order, end.reason));
  }
  // A blob that was there may be one whose folder another process has renamed and not synced yet.
  for (const folder of new Set([...targets.values()].map((one) => one.folder))) syncFolder(folder);
  done.push(...written.map(({ id }): BlobDone => ({ id, kind: 'written' })));
  const known = new Map(done.map((one) => [one.id, one]));
  for (const twin of twins) {
    const first = known.get((targets.get(twin.target) as BlobOrder).id) as BlobDone;
    done.push({ ...first, id: twin.id });
  }
  return done;
}

let waiting: BlobOrder[] = [];
let working = false;

async function work(): Promise<void> {
  working = true;
  while (waiting.length > 0) {
    const orders = waiting.slice(0, MOST);
    waiting = waiting.slice(MOST);
    const done = await obey(orders).catch((error: unknown) => orders.map((order) => failed(order, error)));
    parentPort?.postMessage(done);
  }
  working = false;
}

parentPort?.on('message', (first: BlobOrder) => {
  waiting.push(first);
  for (;;) {
    const more = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
    if (more === undefined) break;
    waiting.push((more as { readonly message: BlobOrder }).message);
  }
  if (!working) void work();
});
