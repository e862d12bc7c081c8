import { HeraklitError, messageOf } from '../base/index.ts';
import type { AgentReport } from './report.ts';
import type { ReportQueue } from './report-queue.ts';

export interface Delivered {
  readonly sent: number;
  /** What the server said of the last one. */
  readonly last: { readonly containers: number; readonly known: number } | undefined;
  /** Why the rest waits. */
  readonly failure: unknown;
}

type Send = (
  report: AgentReport & { readonly sentAt: string },
) => Promise<{ readonly containers: number; readonly known: number }>;

/** What a server says of a report itself: sent again it would say the same. */
const REFUSED = new Set(['HTTP_REQUEST_INVALID']);

/**
 * Sends what waits, oldest first, until there is no more or one cannot be delivered. A report that the server refuses
 * for what it says is dropped, and one that is damaged on disk.
 */
export async function deliver(
  queue: ReportQueue,
  send: Send,
  { now, warn }: { readonly now: () => Date; readonly warn: (message: string) => void },
): Promise<Delivered> {
  let sent = 0;
  let last: Delivered['last'];
  for (let next = await queue.oldest(); next !== undefined; next = await queue.oldest()) {
    const { name, report } = next;
    if (report === undefined) warn(`a report that waited was damaged and is left out: ${name}`);
    else {
      try {
        last = await send({ ...report, sentAt: now().toISOString() });
        sent += 1;
      } catch (error) {
        if (!(error instanceof HeraklitError && REFUSED.has(error.code))) return { sent, last, failure: error };
        warn(`the server refused a report, which is left out: ${messageOf(error)}`);
      }
    }
    await queue.remove(name);
  }
  return { sent, last, failure: undefined };
}
