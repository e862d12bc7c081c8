import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { RetriedRuntime, RuntimeState } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { fleetHosts } from './engine-hosts.ts';
import { clustersOf, helmOf } from './fleet-clusters.ts';
import { openGitopsRuntimes } from './gitops-runtimes.ts';
import { ENGINE, type RuntimeOptions, type RuntimeSource, runtimeSources } from './runtimes.ts';

/** What a server rolls out to: whether each answers, and as the fleet file names them now. */
export interface RuntimeSet {
  all(): readonly RetriedRuntime[];
  /** Looks at all of them until `signal` is aborted: what is away is asked again later and later, and told. */
  keep(signal: AbortSignal): Promise<void>;
}

interface Opened {
  readonly key: string;
  readonly runtimes: readonly RetriedRuntime[];
}

/** Milliseconds between looks at those that answer, and at whether one that is away is due. */
const LOOK = 30_000;

/** One that is named no more stays open until the end: a rollout may be under way on it. */
export async function openRuntimeSet(
  { options, fleet, database }: { options: RuntimeOptions; fleet: LoadedFleet; database: Database },
  context: CliContext,
  resources: AsyncDisposableStack,
): Promise<RuntimeSet & { renew(fleet: LoadedFleet): Promise<void> }> {
  const { retriedRuntime } = await import('../runtime/index.ts');
  const tell = await teller(database, context);
  let opened: readonly Opened[] = [];
  const open = async ({ key, open: make }: RuntimeSource): Promise<Opened> => {
    const made = (await make()).map((runtime) =>
      retriedRuntime(runtime, {
        tell,
        label: async () => (await runtime.scope?.())?.prefix.replace(/\/$/, '') ?? runtime.name,
      }),
    );
    for (const runtime of made) resources.defer(async () => await runtime.close());
    return { key, runtimes: made };
  };
  const renew = async (now: LoadedFleet): Promise<void> => {
    const next: Opened[] = [];
    for (const source of await sourcesOf(options, now, context)) {
      next.push(opened.find(({ key }) => key === source.key) ?? (await open(source)));
    }
    opened = next;
  };
  await renew(fleet);
  const every = (): readonly RetriedRuntime[] => opened.flatMap(({ runtimes }) => runtimes);
  const answered = new Set<RetriedRuntime>();
  const look = async (): Promise<void> => {
    await Promise.all(
      every().map(async (runtime) => {
        if ((await runtime.unavailable().catch(() => '')) === undefined) answered.add(runtime);
      }),
    );
  };
  // The engine of this machine is tried without being named: where there is none, nothing is missing.
  const isNamed = options.socket !== undefined || options.engine !== undefined;
  const all = (): readonly RetriedRuntime[] =>
    opened.flatMap(({ key, runtimes }) =>
      key === ENGINE && !isNamed ? runtimes.filter((one) => answered.has(one)) : runtimes,
    );
  await look();
  return {
    all,
    renew,
    async keep(signal) {
      while (!signal.aborted) {
        await look();
        const due = every().flatMap(({ state }) => state?.retry ?? []);
        const wait = Math.min(LOOK, ...due.map((at) => Math.max(1_000, at - Date.now())));
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

async function sourcesOf(
  options: RuntimeOptions,
  fleet: LoadedFleet,
  context: CliContext,
): Promise<readonly RuntimeSource[]> {
  const { git } = fleet.document.rollout ?? {};
  const further = { hosts: fleetHosts(fleet), clusters: clustersOf(fleet), helm: helmOf(fleet.document, context.log) };
  const key = `git ${JSON.stringify([git, fleet.document.forges])}`;
  return [
    ...(await runtimeSources(options, further)),
    { key, open: async () => await openGitopsRuntimes(fleet, context) },
  ];
}

/** In the database, for whoever asks; in the log when it changes. */
async function teller(database: Database, { log }: CliContext): Promise<(state: RuntimeState) => void> {
  const { keepRuntimeState } = await import('../rollout/index.ts');
  const last = new Map<string, RuntimeState['state']>();
  return (state) => {
    const { name, reason } = state;
    if (last.get(name) !== state.state) {
      if (state.state === 'away') log.warn(`no rollout on ${name} for now, it is asked again: ${reason}`);
      else if (last.has(name)) log.info(`${name} answers again: rollouts go on there`);
      last.set(name, state.state);
    }
    keepRuntimeState(database, state, Date.now()).catch((error: unknown) => log.warn(messageOf(error)));
  };
}
