import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { CliContext } from './context.ts';
import { loadFleetAndSources } from './fleet-sources.ts';
import type { LiveFleet } from './live-fleet.ts';

export interface RoundsStage {
  readonly fleet: LoadedFleet;
  /** The same, as its file is now. */
  readonly live: LiveFleet;
  readonly database: Database;
  readonly context: CliContext;
}

/** One turn of the loop. */
export interface FleetRound {
  readonly fleet: LoadedFleet;
  /** Images that a webhook started it for; all where undefined. */
  readonly only?: ReadonlySet<string>;
  /** What it was asked to look at was looked at. */
  end(): Promise<void>;
}

export interface FleetRounds {
  /**
   * @param whole all images and their sources; else those that webhooks named
   * @param first the fleet was read a moment ago
   */
  begin(whole: boolean, first: boolean): Promise<FleetRound>;
  /** Until then, or until a webhook comes. */
  wait(milliseconds: number): Promise<void>;
}

/** Rounds of `serve`: by the clock for the whole fleet, by webhook for the images that are made from what was pushed. */
export async function fleetRounds(
  { fleet: given, live, database, context }: RoundsStage,
  resources: AsyncDisposableStack,
): Promise<FleetRounds> {
  const { noteCommits, refreshRequests, settleCommits, SOURCE_CHANNEL } = await import('../engine/index.ts');
  const { signal, log } = context;
  const name = given.fleet.name;
  let [base, fleet] = [given, given];
  let pause = new AbortController();
  let woken = false;
  if (hasSources(given)) {
    const unlisten = await database.listen(SOURCE_CHANNEL, () => {
      woken = true;
      pause.abort();
    });
    resources.defer(unlisten);
  }
  return {
    async begin(whole, first) {
      if (base !== live.current()) {
        base = live.current();
        fleet = base;
      }
      if (!hasSources(fleet)) return { fleet, end: async () => undefined };
      woken = false;
      const requests = await refreshRequests(database, name);
      const only = whole ? undefined : requests.images;
      if (!first) fleet = await reload(fleet, context, only);
      await noteCommits(database, fleet);
      const now = fleet;
      return {
        fleet: now,
        ...(only === undefined ? {} : { only }),
        async end() {
          await settleCommits(database, now);
          await requests.done();
        },
      };
    },
    async wait(milliseconds) {
      pause = new AbortController();
      if (woken) return;
      const until = AbortSignal.any([pause.signal, signal]);
      await sleep(milliseconds, undefined, { signal: until }).catch((error: unknown) => {
        if (!until.aborted) log.warn(messageOf(error));
      });
    },
  };
}

const hasSources = ({ document }: LoadedFleet): boolean => document.images.some(({ source }) => source !== undefined);

/** The fleet file again, with its sources; the images that are served stay the ones it was started with. */
async function reload(
  before: LoadedFleet,
  context: CliContext,
  images: ReadonlySet<string> | undefined,
): Promise<LoadedFleet> {
  try {
    return await loadFleetAndSources(before.file, context, images === undefined ? {} : { images });
  } catch (error) {
    context.log.error(`the fleet file stays as it was: ${messageOf(error)}`);
    return before;
  }
}
