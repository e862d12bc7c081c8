import { setTimeout as sleep } from 'node:timers/promises';
import {
  asCodedError,
  type Clock,
  isHeraklitError,
  type Log,
  messageOf,
  silentLog,
  systemClock,
} from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { EventSink } from '../../events/index.ts';
import { type Forge, postStatus, repositoryAt } from '../../forge/index.ts';
import type { ImageSource } from '../ports.ts';
import type { TaskStatus } from '../task.ts';
import {
  type DueStatus,
  dueStatuses,
  nextDue,
  recordTold,
  type Told,
  type WantedStatus,
  wantStatuses,
} from './commit-status-store.ts';
import { commitStateOf, describeTask } from './status-of-task.ts';

interface TaskData {
  readonly image: string;
  readonly status: TaskStatus;
  readonly digest: string | null;
  readonly reason: string;
  readonly source?: ImageSource;
}

/**
 * Turns what happens to tasks into what is to stand at their commits: a sink of the outbox, so that nothing is missed,
 * whatever process dies when.
 */
export function commitStatusSink(
  database: Database,
  fleet: string,
  changed: () => void,
  clock: Clock = systemClock,
): EventSink {
  return {
    name: `commit-status/${fleet}`,
    async deliver(events) {
      // Of one task only the last word counts.
      const wanted = new Map<string, WantedStatus>();
      for (const event of events) {
        if (event.type !== 'io.heraklit.task.changed') continue;
        const { image, status, digest, reason, source } = event.data as TaskData;
        const state = commitStateOf(status);
        if (source?.commit === undefined || state === undefined) continue;
        const { commit, location } = source;
        const description = describeTask(status, image, digest, reason);
        wanted.set(`${image}\n${commit}`, { image, commit, location, state, description });
      }
      if (wanted.size === 0) return;
      await database.transaction((trx) => wantStatuses(trx, fleet, [...wanted.values()], new Date(clock.now())));
      changed();
    },
    async close() {},
  };
}

export interface ReporterOptions {
  readonly database: Database;
  readonly fleet: string;
  readonly forges: readonly Forge[];
  /** Page about an image. */
  readonly targetUrl: (image: string) => string;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds before the second attempt; doubles up to an hour. */
  readonly delay?: number;
}

const LONGEST = 3_600_000;
/** Some three days of trying. */
const ATTEMPTS = 80;
const DELAY = 2_000;

export interface StatusReporter {
  /** There may be something new to tell. */
  wake(): void;
  /** Tells what is due now. @returns how many there were */
  tellDue(): Promise<number>;
  /** Until the signal. */
  run(): Promise<void>;
}

/** Brings wanted statuses to the forges: each for itself, so that one that refuses holds up no other. */
export function statusReporter(options: ReporterOptions): StatusReporter {
  const { database, fleet, forges, log = silentLog, clock = systemClock, signal } = options;
  let pause = new AbortController();
  let woken = false;

  const tell = async (status: DueStatus): Promise<Told> => {
    const at = forges.map((forge) => ({ forge, repository: repositoryAt(forge, status.location) }));
    const found = at.find(({ repository }) => repository !== undefined);
    // Nobody to tell: a plain git server, or a forge without token.
    if (found?.repository === undefined || found.forge.token === undefined)
      return { next: null, told: false, error: null };
    const { image, commit, state, description } = status;
    const facts = { repository: found.repository, commit, state, description, context: `heraklit/${image}` };
    try {
      await postStatus(found.forge, { ...facts, targetUrl: options.targetUrl(image) }, signal);
      return { next: null, told: true, error: null };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = asCodedError(thrown);
      const last = status.attempts + 1 >= ATTEMPTS;
      const retry = !last && (!isHeraklitError(error) || error.retryable);
      log.warn(`status of ${image} at ${commit.slice(0, 12)} was not reported: ${messageOf(error)}`);
      const asked =
        isHeraklitError(error) && typeof error.details.retryAfter === 'number' ? error.details.retryAfter * 1_000 : 0;
      const wait = Math.max(asked, Math.min((options.delay ?? DELAY) * 2 ** Math.min(status.attempts, 20), LONGEST));
      return {
        next: retry ? new Date(clock.now() + wait) : null,
        told: false,
        error: messageOf(error).slice(0, 1_000),
      };
    }
  };

  const reporter: StatusReporter = {
    wake() {
      woken = true;
      pause.abort();
    },
    async tellDue() {
      const due = await dueStatuses(database, fleet, new Date(clock.now()));
      for (const status of due) await recordTold(database, fleet, status, await tell(status));
      return due.length;
    },
    async run() {
      while (!signal.aborted) {
        woken = false;
        let told = 0;
        try {
          told = await reporter.tellDue();
        } catch (error) {
          if (signal.aborted) return;
          log.warn(`commit statuses: ${messageOf(error)}`);
        }
        if (told > 0) continue;
        const wait = (await nextDue(database.kysely, fleet, new Date(clock.now())).catch(() => undefined)) ?? LONGEST;
        if (woken) continue;
        pause = new AbortController();
        await sleep(Math.max(100, Math.min(wait, LONGEST)), undefined, {
          signal: AbortSignal.any([pause.signal, signal]),
        }).catch(() => undefined);
      }
    },
  };
  return reporter;
}
