import type { WorkloadRuntime } from './port.ts';

/** Whether a runtime answers, as it was found last. Times are milliseconds since the epoch. */
export interface RuntimeState {
  readonly name: string;
  readonly state: 'usable' | 'away';
  /** Since when it is so. */
  readonly since: number;
  /** Why it is away; empty while it is not. */
  readonly reason: string;
  /** It is not asked before then; undefined while it answers. */
  readonly retry: number | undefined;
}

export interface RetriedOptions {
  /** What it is called where its state is told; its name when undefined. */
  readonly label?: (() => Promise<string>) | undefined;
  /** Told of each answer that it gave, or did not. */
  readonly tell: (state: RuntimeState) => void;
  readonly now?: () => number;
}

/** A runtime that was found away is asked again later and later, and not at each of many rollouts. */
export interface RetriedRuntime extends WorkloadRuntime {
  /** Undefined before it was asked first. */
  readonly state: RuntimeState | undefined;
}

/** Milliseconds; doubles with each answer that does not come. */
const FIRST_RETRY = 5_000;
const LAST_RETRY = 300_000;

/** The same runtime with a memory of when it was away: it joins again by itself when it is back. */
export function retriedRuntime(runtime: WorkloadRuntime, options: RetriedOptions): RetriedRuntime {
  const { tell, now = Date.now, label = async () => runtime.name } = options;
  let state: RuntimeState | undefined;
  let failures = 0;
  let asking: Promise<string | undefined> | undefined;
  const ask = async (): Promise<string | undefined> => {
    const reason = await runtime.unavailable();
    const at = now();
    const is = reason === undefined ? 'usable' : 'away';
    failures = reason === undefined ? 0 : failures + 1;
    const since = state?.state === is ? state.since : at;
    const retry = reason === undefined ? undefined : at + Math.min(FIRST_RETRY * 2 ** (failures - 1), LAST_RETRY);
    const name = await label().catch(() => runtime.name);
    state = { name, state: is, since, reason: reason ?? '', retry };
    tell(state);
    return reason;
  };
  const { members, renewal } = runtime;
  return {
    get name() {
      return runtime.name;
    },
    get state() {
      return state;
    },
    unavailable: async () => {
      if (state?.retry !== undefined && now() < state.retry) return state.reason;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return await asking;
    },
    list: async () => await runtime.list(),
    ...(runtime.scope === undefined ? {} : { scope: async () => await scopeOf(runtime) }),
    rollout: async (request, signal) => await runtime.rollout(request, signal),
    ...(members === undefined ? {} : { members }),
    ...(renewal === undefined ? {} : { renewal }),
    ...(runtime.debug === undefined ? {} : { debug: debugOf(runtime) }),
    close: async () => await runtime.close(),
  };
}

const scopeOf = async (runtime: WorkloadRuntime) =>
  (await runtime.scope?.()) ?? { prefix: `${runtime.name}:`, kinds: [] };

const debugOf =
  (runtime: WorkloadRuntime): NonNullable<WorkloadRuntime['debug']> =>
  async (...asked) =>
    (await runtime.debug?.(...asked)) ?? 1;
