import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { EngineRuntime, WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { fleetHosts } from './engine-hosts.ts';
import { fleetAdvisories } from './fleet-advisories.ts';
import { clustersOf, helmOf } from './fleet-clusters.ts';
import { type FleetRound, fleetRounds } from './fleet-rounds.ts';
import { fleetSetup } from './fleet-setup.ts';
import { openGitopsRuntimes } from './gitops-runtimes.ts';
import { keepFleetFresh } from './keep-fleet-fresh.ts';
import { carryContext } from './rollout-setup.ts';
import { openEngine, openRuntimes, type RuntimeOptions } from './runtimes.ts';
import type { SourceOptions } from './source-options.ts';
import { withStorage } from './storage-option.ts';

/** Options of `heraklit serve` about the loop over the fleet. */
export interface ServeLoopOptions extends SourceOptions, RuntimeOptions {
  readonly interval?: string;
  readonly rollout: boolean;
  readonly takeOver?: string;
  readonly storage?: string;
}

export interface ServeLoopStage {
  readonly fleet: LoadedFleet;
  /** Under which the registry is reached. */
  readonly url: string;
  readonly options: ServeLoopOptions;
  readonly database: Database;
  readonly context: CliContext;
}

/** Seconds between two looks at the repositories. */
export const DEFAULT_INTERVAL = 3600;
/** Milliseconds; after a failed round, and after one that only finished what was begun before. */
const MIN_PAUSE = 1_000;
const RETRY_AFTER_RESUME = 1_000;
const RETRY_WEBHOOK = 60_000;

/** Runs the loop until the process is told to end. One failed round is logged and does not end it. */
export async function keepPatched(stage: ServeLoopStage): Promise<void> {
  const { fleet, options, database, context } = stage;
  await using resources = new AsyncDisposableStack();
  const interval = Number(options.interval ?? fleet.document.policy?.interval ?? DEFAULT_INTERVAL);
  const usable = await usableRuntimes(options, fleet, context, resources);
  const refreshAdvisories = fleetAdvisories(fleet, database, context);
  const rounds = await fleetRounds(stage, resources);
  await keepRolling(stage, usable.runtimes, resources);
  let first = true;
  let next = 0;
  while (!context.signal.aborted) {
    const whole = first || Date.now() >= next;
    try {
      if (whole) await refreshAdvisories();
      const round = await rounds.begin(whole, first);
      if (whole) next = Date.now() + interval * 1_000;
      first = false;
      const resumed = await runRound(stage, usable, round);
      const looked = { database, runtimes: usable.runtimes, lead: interval * 1_000 };
      if (whole) await keepFleetFresh(round.fleet, looked, context);
      // An earlier run that was carried on did not look at what is new.
      if (resumed) next = Math.min(next, Date.now() + RETRY_AFTER_RESUME);
    } catch (error) {
      if (context.signal.aborted) return;
      context.log.error(`run failed: ${messageOf(error)}`);
      // What a webhook asked for is not left until the clock's next round.
      if (!whole) next = Math.min(next, Date.now() + RETRY_WEBHOOK);
    }
    await rounds.wait(Math.max(MIN_PAUSE, next - Date.now()));
  }
}

/** Rollouts that take longer than the run that began them, beside it. They end before the runtimes are closed. */
async function keepRolling(
  { fleet, options, database, context }: ServeLoopStage,
  runtimes: readonly WorkloadRuntime[],
  resources: AsyncDisposableStack,
): Promise<void> {
  if (runtimes.length === 0) return;
  const [{ openWorkshop }, { keepRollouts }] = await Promise.all([
    import('../engine/index.ts'),
    import('../rollout/index.ts'),
  ]);
  const { home, log, progress, signal } = withStorage(context, options.storage ?? fleet.document.registry?.storage);
  const workshop = openWorkshop({ home, log, progress, signal });
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const carry = await carryContext({ fleet, database, runtimes, workshop, context: { log, signal: stop } });
  const kept = keepRollouts(carry).catch((error: unknown) => log.error(messageOf(error)));
  resources.defer(async () => {
    ended.abort();
    await kept;
  });
}

/** @returns whether it carried on an earlier run, and has not looked at what is new */
async function runRound(stage: ServeLoopStage, usable: Usable, round: FleetRound): Promise<boolean> {
  const { url, options, database, context } = stage;
  const { pipelineOptions, runPipeline } = await import('../engine/index.ts');
  const { verifier, runtimes } = usable;
  const setup = await fleetSetup(
    {
      ...options,
      fleet: round.fleet,
      database,
      registryHost: new URL(url).host,
      runtimes,
      ...(verifier === undefined ? {} : { verifier }),
    },
    context,
  );
  const only = round.only === undefined ? {} : { only: round.only };
  const { tasks, problems, resumed } = await runPipeline({ ...(await pipelineOptions(setup)), ...only });
  if (!resumed) await round.end();
  for (const { code, message } of problems) context.log.warn(`${code}: ${message}`);
  if (tasks.length > 0) context.log.info(`run finished: ${tasks.length} images`);
  return resumed;
}

interface Usable {
  readonly verifier: EngineRuntime | undefined;
  readonly runtimes: readonly WorkloadRuntime[];
}

/** Engines and clusters that answer; the others are named once, so that nobody wonders why nothing rolls. */
async function usableRuntimes(
  options: ServeLoopOptions,
  fleet: LoadedFleet,
  context: CliContext,
  resources: AsyncDisposableStack,
): Promise<Usable> {
  const verifier = await openEngine(options);
  resources.defer(async () => verifier.close());
  const verifierProblem = await verifier.unavailable();
  if (verifierProblem !== undefined) context.log.warn(`candidates are not started: ${verifierProblem}`);
  // What tests of a killed server left; every test looks again, so a failure now is none.
  else await verifier.reap().catch((error: unknown) => context.log.warn(messageOf(error)));
  const runtimes: WorkloadRuntime[] = [];
  const all = options.rollout
    ? [
        ...(await openRuntimes(options, {
          ...{ hosts: fleetHosts(fleet), clusters: clustersOf(fleet), helm: helmOf(fleet.document, context.log) },
        })),
        ...(await openGitopsRuntimes(fleet, context)),
      ]
    : [];
  for (const runtime of all) {
    resources.defer(async () => runtime.close());
    const problem = await runtime.unavailable();
    if (problem === undefined) runtimes.push(runtime);
    else context.log.warn(`no rollout on ${runtime.name}: ${problem}`);
  }
  return { verifier: verifierProblem === undefined ? verifier : undefined, runtimes };
}
