import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../oci/index.ts';
import type { RolloutControl, RolloutSide, RolloutStrategy, StepVerdict } from '../strategy.ts';
import { cannotOverlap } from './clone.ts';
import { engineHostError } from './errors.ts';
import { lastWords } from './health.ts';
import { Label } from './labels.ts';
import { membersOf } from './members.ts';
import type { Failure } from './replace.ts';
import { labelsOf, nameOf, type Replica } from './replica.ts';
import type { Walk } from './rolling.ts';

/** One rest of a rollout, in per cent of requests (or of copies). */
export interface Step {
  readonly weight: number;
  readonly pause?: number | 'until-resumed';
}

/** How a strategy is carried out on an engine host. */
export type Course =
  | { readonly kind: 'rolling' }
  /** New copies take the place of old ones, as many as the weight says. */
  | { readonly kind: 'copies'; readonly steps: readonly Step[] }
  /** New copies run beside the old ones, and the front gives them their share: nothing old ends before the last step. */
  | { readonly kind: 'beside'; readonly steps: readonly Step[] };

/**
 * @throws ENGINE_HOST_STRATEGY_IMPOSSIBLE where the workload cannot be rolled out that way
 */
export function courseOf(
  name: string,
  strategy: RolloutStrategy | undefined,
  replicas: readonly Replica[],
  front: boolean,
): Course {
  if (strategy === undefined || strategy.kind === 'rolling') return { kind: 'rolling' };
  const impossible = (why: string, hint: string) =>
    engineHostError('ENGINE_HOST_STRATEGY_IMPOSSIBLE', `${name} cannot have a ${strategy.kind} rollout: ${why}`, {
      hint,
    });
  if (strategy.kind === 'canary' && strategy.traffic !== undefined && strategy.traffic.kind !== 'replicas') {
    throw impossible(
      `an engine host has no ${strategy.traffic.kind}`,
      'Leave `traffic` out: the front splits requests.',
    );
  }
  const alone = replicas.flatMap(({ current }) => cannotOverlap(current) ?? [])[0];
  if (alone !== undefined) {
    throw impossible(`old and new cannot run at once: ${alone}`, 'Use the strategy rolling, or give it a front.');
  }
  if (strategy.kind === 'blueGreen') {
    if (!front) throw impossible('it has no front that could be switched', 'Start it as a group with `listen`.');
    const keep = strategy.keep ?? 0;
    return { kind: 'beside', steps: [{ weight: 0 }, ...(keep > 0 ? [{ weight: 100, pause: keep }] : [])] };
  }
  if (front && strategy.traffic?.kind !== 'replicas') return { kind: 'beside', steps: strategy.steps };
  if (replicas.length < 2) {
    throw impossible('it has one copy and no front', 'Use the strategy rolling, or start it as a group with `listen`.');
  }
  return { kind: 'copies', steps: strategy.steps };
}

/** How many of `copies` run the new image at a weight; at least one, and below 100 % of copies one old is left. */
export function copiesAt(weight: number, copies: number, keepOne: boolean): number {
  const wanted = Math.max(1, Math.ceil((copies * weight) / 100));
  return Math.min(wanted, keepOne && weight < 100 ? Math.max(1, copies - 1) : copies);
}

/** Milliseconds between two looks at new containers while a step is held. */
const LOOK_EVERY = 1000;

async function sides(walk: Walk, digest: Digest, before: string): Promise<readonly [RolloutSide, RolloutSide]> {
  const running = (await membersOf(walk.context.api, walk.name)).filter(({ State }) => State.Running === true);
  const names = (wanted: boolean): readonly string[] =>
    running.filter((one) => (labelsOf(one)[Label.digest] === digest) === wanted).map(nameOf);
  return [
    { image: before, members: names(false) },
    { image: walk.target.reference, members: names(true) },
  ];
}

/** What became of the new containers while nobody waited for their health; undefined while all run. */
async function fallen(
  walk: Walk,
  ids: ReadonlyMap<string, string>,
): Promise<(Failure & { readonly where: string }) | undefined> {
  for (const [id, where] of ids) {
    const container = await walk.context.api.inspect(id);
    if (container === undefined) {
      return { where, healthy: false, reason: 'somebody removed its container', overtaken: true };
    }
    if (container.State.Running !== true) {
      return { where, healthy: false, reason: await lastWords(walk.context.api, container) };
    }
    if ((container.RestartCount ?? 0) > 0) {
      return { where, healthy: false, reason: `it was restarted ${container.RestartCount} times` };
    }
  }
  return undefined;
}

export interface HeldStep {
  readonly index: number;
  readonly count: number;
  readonly step: Step;
  /** Id → name of the copy, of every new container. */
  readonly ids: ReadonlyMap<string, string>;
  readonly digest: Digest;
  readonly before: string;
}

/**
 * Holds a step for as long as the control wants; new containers are looked at meanwhile, and one that ends, ends the hold.
 */
export async function holdStep(
  walk: Walk,
  control: RolloutControl | undefined,
  held: HeldStep,
): Promise<Exclude<StepVerdict, { kind: 'back' }> | (Failure & { readonly where: string })> {
  if (control === undefined) return { kind: 'go' };
  const ended = new AbortController();
  const signal =
    walk.context.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, walk.context.signal]);
  const [before, after] = await sides(walk, held.digest, held.before);
  const asked = control
    .stepReached({ ...held.step, index: held.index, count: held.count, before, after }, signal)
    .then((verdict) =>
      verdict.kind === 'back'
        ? ({ where: walk.name, healthy: false, reason: verdict.reason, blame: verdict.blame } as const)
        : verdict,
    );
  const looked = (async () => {
    for (;;) {
      await sleep(LOOK_EVERY, undefined, { signal: ended.signal });
      const stop = (await walk.context.watch?.()) ?? undefined;
      if (stop !== undefined) return { where: walk.name, healthy: false, ...stop } as const;
      const failure = await fallen(walk, held.ids);
      if (failure !== undefined) return failure;
    }
  })();
  // The loser of the race ends by the signal, which is no failure.
  asked.catch(() => {});
  looked.catch(() => {});
  try {
    return await Promise.race([asked, looked]);
  } finally {
    ended.abort();
  }
}
