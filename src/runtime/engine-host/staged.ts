import type { Digest } from '../../oci/index.ts';
import type { RolloutControl } from '../strategy.ts';
import { isFinishing, prepareNext, replaceReplica, takeOver } from './replace.ts';
import type { Replica } from './replica.ts';
import { type Failed, inBatches, rollingWalk, type Walk } from './rolling.ts';
import { copiesAt, holdStep, type Step } from './steps.ts';

export interface Staged {
  readonly steps: readonly Step[];
  readonly control: RolloutControl | undefined;
  readonly digest: Digest;
  /** Reference that ran before. */
  readonly before: string;
}

/** Canary by number of copies: what is replaced is replaced, step by step; a way back replaces it again. */
export async function copiesWalk(
  walk: Walk,
  replicas: readonly Replica[],
  staged: Staged,
): Promise<Failed | undefined> {
  const ids = new Map<string, string>();
  let at = 0;
  for (const [index, step] of staged.steps.entries()) {
    const until = Math.max(at, copiesAt(step.weight, replicas.length, true));
    const failed = await rollingWalk(walk, replicas.slice(at, until));
    if (failed !== undefined) return failed;
    for (const { name } of replicas.slice(at, until)) {
      const now = await walk.context.api.inspect(name);
      if (now !== undefined) ids.set(now.Id, name);
    }
    at = until;
    const verdict = await holdStep(walk, staged.control, { ...staged, index, count: staged.steps.length, step, ids });
    if ('healthy' in verdict) return { where: verdict.where, failure: verdict };
    if (verdict.kind === 'promote') break;
  }
  return await rollingWalk(walk, replicas.slice(at));
}

/** Starts the new containers of these copies beside the old ones; id → name of the copy. */
async function prepareAll(walk: Walk, replicas: readonly Replica[]): Promise<ReadonlyMap<string, string> | Failed> {
  const prepared = await inBatches(replicas, walk.parallel, async (replica) => {
    const result = await prepareNext(walk.context, replica, walk.target);
    return result.healthy ? result.id : result;
  });
  return 'failure' in prepared ? prepared : new Map(prepared.map(([{ name }, id]) => [id, name]));
}

/** New containers get `weight` per cent of the requests from now on. */
async function shift(walk: Walk, ids: ReadonlyMap<string, string>, weight: number): Promise<void> {
  const { front, api } = walk.context;
  if (front === undefined || weight === 0) return;
  // The share stands before the first of them is there: none may get more meanwhile.
  front.split({ ids: new Set(ids.keys()), weight });
  for (const id of ids.keys()) {
    const container = await api.inspect(id);
    const address = container === undefined ? undefined : await api.reach(container, undefined);
    if (address !== undefined) front.add({ id, ...address });
  }
}

/**
 * Canary and blue-green behind a front: the new containers run beside the old ones, which end only after the last step, so
 * that the way back is a change of shares. Copies that an interrupted call has handed over already are left as they are.
 */
export async function besideWalk(walk: Walk, all: readonly Replica[], staged: Staged): Promise<Failed | undefined> {
  const { context, target } = walk;
  const handed = all.filter((replica) => isFinishing(replica, target));
  const finished = await rollingWalk(walk, handed);
  if (finished !== undefined) return finished;
  const replicas = all.filter((replica) => !handed.includes(replica));
  const ids = new Map<string, string>();
  const prepare = async (until: number): Promise<Failed | undefined> => {
    const made = await prepareAll(walk, replicas.slice(ids.size, until));
    if ('failure' in made) return made;
    for (const [id, name] of made) ids.set(id, name);
    return undefined;
  };
  for (const [index, step] of staged.steps.entries()) {
    const wanted = step.weight === 0 ? replicas.length : copiesAt(step.weight, replicas.length, false);
    const failed = await prepare(Math.max(ids.size, wanted));
    if (failed !== undefined) return failed;
    await shift(walk, ids, step.weight);
    const verdict = await holdStep(walk, staged.control, { ...staged, index, count: staged.steps.length, step, ids });
    if ('healthy' in verdict) return { where: verdict.where, failure: verdict };
    if (verdict.kind === 'promote') break;
  }
  const failed = await prepare(replicas.length);
  if (failed !== undefined) return failed;
  await shift(walk, ids, 100);
  const byName = new Map([...ids].map(([id, name]) => [name, id]));
  const taken = await inBatches(replicas, walk.parallel, async (replica) => {
    const id = byName.get(replica.name);
    const verdict =
      id === undefined ? await replaceReplica(context, replica, target) : await takeOver(context, replica, id);
    if (verdict.healthy) walk.done(replica);
    return verdict;
  });
  if ('failure' in taken) return taken;
  context.front?.split(undefined);
  return undefined;
}
