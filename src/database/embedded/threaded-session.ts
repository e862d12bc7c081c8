import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { databaseError } from '../errors.ts';
import type { Order, Told } from './database-thread.ts';
import type { EmbeddedSession, Outcome } from './session.ts';

/** The sources run as they lie, as TypeScript or compiled. */
const THREAD = new URL(`./database-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Milliseconds that the database has to close; the thread is ended then, and the next start recovers as after a crash. */
const CLOSING = 20_000;

interface Due {
  resolve(outcomes: readonly Outcome[]): void;
  reject(error: unknown): void;
}

/**
 * The embedded database in a thread of its own: a server answers on one core while the database works, and waits for
 * the disk, on another. Resolves when it has started.
 * @throws DATABASE_STOPPED, from any call, once the thread has ended by itself
 */
export async function threadedSession(
  directory: string,
  thread = THREAD,
  patience = CLOSING,
): Promise<EmbeddedSession> {
  const worker = new Worker(thread, { workerData: { directory } });
  const due: Due[] = [];
  const listeners = new Map<string, Set<() => void>>();
  let gone: Error | undefined;

  worker.on('message', (told: Told) => {
    if (told.kind === 'notified') {
      for (const listener of listeners.get(told.channel) ?? []) listener();
      return;
    }
    const first = due.shift();
    // Alone it keeps no process running: whoever waits for an answer does.
    if (due.length === 0) worker.unref();
    if (told.kind === 'done') first?.resolve(told.outcomes);
    else first?.reject(Object.assign(new Error(told.error.message), told.error));
  });
  const end = (why: string): void => {
    gone ??= databaseError('DATABASE_STOPPED', `the embedded database has stopped: ${why}`, {
      hint: 'Start heraklit again: what was committed is there.',
    });
    for (const one of due.splice(0)) one.reject(gone);
  };
  worker.on('error', (error) => end(error.message));
  worker.on('exit', () => end('its thread ended'));

  const answer = (): Promise<readonly Outcome[]> =>
    new Promise((resolve, reject) => {
      due.push({ resolve, reject });
      if (due.length === 1) worker.ref();
    });
  const ask = (order: Order): Promise<readonly Outcome[]> => {
    if (gone !== undefined) return Promise.reject(gone);
    const answered = answer();
    worker.postMessage(order);
    return answered;
  };

  try {
    await answer();
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    async run(text, values, begin) {
      const [outcome] = await ask({ kind: 'run', text, values, begin });
      return outcome as Outcome;
    },
    script: (text) => ask({ kind: 'script', text }),
    async listen(channel, listener) {
      const all = listeners.get(channel) ?? new Set();
      if (all.size === 0) await ask({ kind: 'listen', channel });
      listeners.set(channel, all.add(listener));
      return async () => {
        if (all.delete(listener) && all.size === 0) await ask({ kind: 'unlisten', channel });
      };
    },
    async close() {
      if (gone !== undefined) return;
      const closed = ask({ kind: 'close' });
      // It is told to end without an answer, where it gives none in time.
      closed.catch(() => undefined);
      const given = new AbortController();
      const over = sleep(patience, undefined, { signal: given.signal }).catch(() => undefined);
      await Promise.race([closed, over]).finally(() => given.abort());
      // The database is closed by now; whatever else would keep the thread is nothing to wait for.
      await worker.terminate();
    },
  };
}
