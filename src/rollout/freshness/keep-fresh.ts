import { type Clock, type Log, messageOf, silentLog, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type Digest, parseReference } from '../../oci/index.ts';
import { quarantined } from '../../publish/index.ts';
import type { FleetRolloutWindow } from '../../recipe/index.ts';
import type { RenewalOutcome, RolloutOutcome, RunningCopy, Workload, WorkloadRuntime } from '../../runtime/index.ts';
import { repositoryOf } from '../select.ts';
import { supersessions } from '../store.ts';
import { type AgePromises, agesOf, DAY, dueOf, marginOf, type WorkloadAge } from './ages.ts';
import { type Chance, chanceOf } from './chance.ts';
import { endTurn, takeTurn } from './store.ts';

/** A newer image that a workload's container should run. */
export interface NewerImage {
  /** Pullable, with digest. */
  readonly image: string;
  readonly digest: Digest;
  readonly workload: string;
  readonly container: string;
}

export interface FreshnessContext {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  readonly promises: AgePromises;
  /** Milliseconds until the next look. */
  readonly lead: number;
  /** When a workload may be changed; always when undefined. */
  readonly windowsOf?: (workload: Workload) => readonly FleetRolloutWindow[];
  /** Milliseconds without progress until a renewal is taken back. */
  readonly deadline: number;
  /** Brings a newer image to an old workload, which renews it, too. */
  readonly rollOut?: (newer: NewerImage) => Promise<readonly RolloutOutcome[]>;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

type AgesContext = Pick<FreshnessContext, 'runtimes' | 'promises' | 'clock' | 'log'>;

interface Surveyed {
  readonly runtime: WorkloadRuntime;
  readonly workloads: readonly Workload[];
  readonly copies: readonly RunningCopy[];
}

/** What runs since when, on all runtimes that answer. */
async function survey({ runtimes, log = silentLog }: AgesContext): Promise<readonly Surveyed[]> {
  const found: Surveyed[] = [];
  for (const runtime of runtimes) {
    if (runtime.renewal === undefined || (await runtime.unavailable()) !== undefined) continue;
    try {
      found.push({ runtime, workloads: await runtime.list(), copies: await runtime.renewal.copies() });
    } catch (error) {
      log.warn(`ages on ${runtime.name}: ${messageOf(error)}`);
    }
  }
  return found;
}

const now = ({ clock = systemClock }: Pick<FreshnessContext, 'clock'>): number => clock.now();

/** How old everything is that runs, the oldest first. */
export async function workloadAges(context: AgesContext): Promise<readonly WorkloadAge[]> {
  const surveyed = await survey(context);
  const workloads = surveyed.flatMap((one) => one.workloads);
  const copies = surveyed.flatMap((one) => one.copies);
  return agesOf(workloads, copies, context.promises, now(context));
}

export type FreshnessOutcome = RenewalOutcome | RolloutOutcome;

/**
 * Renews what is about to be older than was promised, one workload after the other, the most urgent first: by the newer
 * image where one was released, else by new copies of the same. One that fails does not hold up the others, since nothing
 * about them changed; it is tried again a day later. Outside its windows nothing is renewed: what would be over its promise
 * before the next one opens is renewed in this one.
 */
export async function keepFresh(context: FreshnessContext): Promise<readonly FreshnessOutcome[]> {
  const { log = silentLog, signal } = context;
  const surveyed = await survey(context);
  const owners = new Map(
    surveyed.flatMap(({ runtime, workloads }) => workloads.map(({ id }) => [id, runtime] as const)),
  );
  const workloads = surveyed.flatMap((one) => one.workloads);
  const copies = surveyed.flatMap((one) => one.copies);
  const outcomes: FreshnessOutcome[] = [];
  const chance = (workload: Workload): Chance =>
    chanceOf(context.windowsOf?.(workload) ?? [], now(context), context.lead);
  const leadOf = (workload: Workload): number => {
    const found = chance(workload);
    return found.kind === 'now' ? found.lead : context.lead;
  };
  for (const due of dueOf(agesOf(workloads, copies, context.promises, now(context)), leadOf)) {
    signal?.throwIfAborted();
    const runtime = owners.get(due.workload.id);
    if (runtime === undefined) continue;
    // Of its own moment: the ones before it took their time.
    const may = chance(due.workload);
    if (may.kind === 'later') {
      const waits = outsideWindows(due, may.opens);
      log.info(`${waits.workload} is ${waits.reason}`);
      outcomes.push(waits);
      continue;
    }
    try {
      outcomes.push(...(await renewOne({ ...context, lead: may.lead }, runtime, due)));
    } catch (error) {
      signal?.throwIfAborted();
      log.warn(`${due.workload.id} grew old and was not renewed: ${messageOf(error)}`);
    }
  }
  return outcomes;
}

function outsideWindows(
  { workload, age }: WorkloadAge,
  opens: number | undefined,
): RenewalOutcome & { kind: 'refused' } {
  const when =
    opens === undefined ? 'none of its windows opens again' : `its window opens ${new Date(opens).toISOString()}`;
  return { kind: 'refused', workload: workload.id, reason: `${days(age)} old: ${when}` };
}

async function renewOne(
  context: FreshnessContext,
  runtime: WorkloadRuntime,
  due: WorkloadAge,
): Promise<readonly FreshnessOutcome[]> {
  const { database, log = silentLog, signal } = context;
  const { id } = due.workload;
  const newer = context.rollOut === undefined ? undefined : await newerImage(database, due.workload);
  if (newer !== undefined && context.rollOut !== undefined) {
    log.info(`${id} is ${days(due.age)} old: ${newer.image} takes its place`);
    return await context.rollOut(newer);
  }
  // The same measure as what made it due: one call renews all copies that are due by then.
  const { maxAge = 0 } = due;
  const before = new Date(now(context) - (maxAge * DAY - marginOf(maxAge, context.lead)));
  const turn = await database.transaction(async (trx) => await takeTurn(trx, id, before, new Date(now(context))));
  if (turn.kind === 'busy') return [];
  if (turn.kind === 'failed before') return [{ kind: 'refused', workload: id, reason: `it failed: ${turn.reason}` }];
  let outcome: RenewalOutcome | undefined;
  try {
    outcome = await runtime.renewal?.renew(
      { workload: due.workload, before: turn.before, deadline: context.deadline },
      signal,
    );
  } catch (error) {
    // Ended from outside: the row stays open for the next process.
    if (signal?.aborted !== true) await close(context, turn.row, undefined);
    throw error;
  }
  // The process that replaced them died before it could say so.
  if (turn.resumed && outcome?.kind === 'unchanged') outcome = { kind: 'renewed', workload: id, milliseconds: 0 };
  await close(context, turn.row, outcome);
  if (outcome?.kind === 'renewed') log.info(`${id} was ${days(due.age)} old and is renewed`);
  else if (outcome !== undefined && 'reason' in outcome) log.warn(`${id} is ${days(due.age)} old: ${outcome.reason}`);
  return outcome === undefined ? [] : [outcome];
}

const days = (milliseconds: number): string => `${(milliseconds / DAY).toFixed(1)} days`;

async function close(context: FreshnessContext, row: number, outcome: RenewalOutcome | undefined): Promise<void> {
  const at = new Date(now(context));
  await context.database.transaction(async (trx) => await endTurn(trx, row, outcome, at));
}

/** What a reference that meant the running digest means now, unless it proved bad. */
async function newerImage(database: Database, workload: Workload): Promise<NewerImage | undefined> {
  for (const { name, digest } of workload.containers) {
    if (digest === undefined) continue;
    for (const { to, reference } of await supersessions(database.kysely, [digest])) {
      if (!isPullable(reference)) continue;
      if ((await quarantined(database.kysely, to)) !== undefined) continue;
      const image = `${repositoryOf(reference.replace(/^docker:\/\//, ''))}@${to}`;
      return { image, digest: to, workload: workload.id, container: name };
    }
  }
  return undefined;
}

/** Fleet images that were only ever built here stand in the inventory under names that nobody pulls. */
function isPullable(reference: string): boolean {
  try {
    return parseReference(reference).kind === 'docker';
  } catch {
    return false;
  }
}
