import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { EventSink } from '../events/index.ts';
import type { CliContext } from './context.ts';
import { forgesOf } from './fleet-sources.ts';

export interface CommitStatuses {
  /** Takes what happens to tasks. */
  readonly sink: EventSink;
  /** Tells the forges, until the process is told to end. */
  run(): Promise<void>;
}

/** Undefined where no forge is to be told anything. */
export async function openCommitStatuses(
  fleet: LoadedFleet | undefined,
  database: Database,
  url: string,
  context: CliContext,
): Promise<CommitStatuses | undefined> {
  if (fleet === undefined) return undefined;
  const forges = await forgesOf(fleet);
  if (!forges.some(({ token }) => token !== undefined)) return undefined;
  const { STATUS_CHANNEL, commitStatusSink, statusReporter } = await import('../engine/index.ts');
  const { log, signal } = context;
  const page = (fleet.document.access?.url ?? url).replace(/\/+$/, '');
  const reporter = statusReporter({
    ...{ database, fleet: fleet.fleet.name, forges, log, signal },
    targetUrl: (image) => `${page}/?image=${encodeURIComponent(image)}`,
  });
  return {
    sink: commitStatusSink(database, fleet.fleet.name, reporter.wake),
    async run() {
      // Commits that a round noted are told at once too.
      const unlisten = await database.listen(STATUS_CHANNEL, reporter.wake);
      try {
        await reporter.run();
      } finally {
        await unlisten();
      }
    },
  };
}
