/** The thread's side of `threaded-session.ts`: the embedded database, one order after the other. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { EmbeddedSession, Outcome } from './session.ts';

export type Order =
  | { readonly kind: 'run'; readonly text: string; readonly values: readonly unknown[]; readonly begin: boolean }
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'listen'; readonly channel: string }
  | { readonly kind: 'unlisten'; readonly channel: string }
  | { readonly kind: 'close' };

/** Orders are answered in their order; `notified` comes whenever it happens. */
export type Told =
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }
  /** What is known of the error, as cloning an Error keeps its message alone. */
  | { readonly kind: 'failed'; readonly error: { readonly message: string; readonly code?: string } }
  | { readonly kind: 'notified'; readonly channel: string };

enableCompileCache();
const port = parentPort;
const tell = (told: Told): void => port?.postMessage(told);
const stops = new Map<string, () => Promise<void>>();

async function obey(session: EmbeddedSession, order: Order): Promise<readonly Outcome[]> {
  switch (order.kind) {
    case 'run':
      return [await session.run(order.text, order.values, order.begin)];
    case 'script':
      return await session.script(order.text);
    case 'listen': {
      const { channel } = order;
      stops.set(channel, await session.listen(channel, () => tell({ kind: 'notified', channel })));
      return [];
    }
    case 'unlisten':
      await stops.get(order.channel)?.();
      stops.delete(order.channel);
      return [];
    case 'close':
      await session.close();
      return [];
  }
}

function failed(error: unknown): void {
  const { message, code } = error as { message?: unknown; code?: unknown };
  tell({ kind: 'failed', error: { message: String(message), ...(typeof code === 'string' ? { code } : {}) } });
}

/** One order is begun when the one before it is answered. */
async function serve(): Promise<void> {
  const [{ startPglite }, { preparedSession }] = await Promise.all([
    import('./start-pglite.ts'),
    import('./prepared-session.ts'),
  ]);
  const session = preparedSession(await startPglite((workerData as { readonly directory: string }).directory));
  let last: Promise<void> = Promise.resolve();
  port?.on('message', (order: Order) => {
    last = last
      .then(() => obey(session, order))
      .then((outcomes) => {
        tell({ kind: 'done', outcomes });
        // Nothing more can come, and the port alone would keep the thread.
        if (order.kind === 'close') port.close();
      })
      .catch(failed);
  });
  tell({ kind: 'done', outcomes: [] });
}

serve().catch(failed);
