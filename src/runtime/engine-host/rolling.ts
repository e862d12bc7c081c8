import type { Digest } from '../../oci/index.ts';
import { Label } from './labels.ts';
import { membersOf, previousOf } from './members.ts';
import { discardNext, type Failure, type ImageTarget, type ReplaceContext, replaceReplica } from './replace.ts';
import { labelsOf, type Replica, readReplicas } from './replica.ts';

/** Why a rollout does not go on. */
export interface Failed {
  /** Name of the copy, or of the workload. */
  readonly where: string;
  readonly failure: Failure;
}

/** What carrying out a rollout takes, whatever its strategy. */
export interface Walk {
  readonly context: ReplaceContext;
  readonly name: string;
  readonly target: ImageTarget;
  /** Copies replaced at once. */
  readonly parallel: number;
  /** Called for every copy that runs the target alone. */
  done(replica: Replica): void;
}

/** Some copies at a time, in order, until one fails. */
export async function inBatches<T>(
  replicas: readonly Replica[],
  parallel: number,
  one: (replica: Replica) => Promise<T | Failure>,
): Promise<readonly (readonly [Replica, T])[] | Failed> {
  const good: (readonly [Replica, T])[] = [];
  for (let i = 0; i < replicas.length; i += parallel) {
    const batch = replicas.slice(i, i + parallel);
    const results = await Promise.all(batch.map(async (replica) => [replica, await one(replica)] as const));
    for (const [replica, result] of results) {
      if (isFailure(result)) return { where: replica.name, failure: result };
      good.push([replica, result]);
    }
  }
  return good;
}

const isFailure = (result: unknown): result is Failure =>
  typeof result === 'object' && result !== null && 'healthy' in result && result.healthy === false;

/** One copy after the other. */
export async function rollingWalk(walk: Walk, replicas: readonly Replica[]): Promise<Failed | undefined> {
  const { context, target, parallel } = walk;
  const result = await inBatches(replicas, parallel, async (replica) => {
    const verdict = await replaceReplica(context, replica, target);
    if (verdict.healthy) walk.done(replica);
    return verdict;
  });
  return 'failure' in result ? result : undefined;
}

/**
 * Removes what was prepared and has not taken over, and puts the previous image back wherever the candidate serves already.
 * What somebody else has put in its place meanwhile is left.
 * @returns what could not be put back
 */
export async function rollBack(context: ReplaceContext, name: string, digest: Digest): Promise<readonly string[]> {
  const { watch: _, ...unwatched } = context;
  await discardPrepared(unwatched, name, digest);
  const wrong: string[] = [];
  for (const replica of readReplicas(await membersOf(context.api, name), digest)) {
    if (labelsOf(replica.current)[Label.digest] !== digest) continue;
    const previous = await previousOf(context.api, replica.current);
    const again = { ...replica, next: undefined, leftover: [] };
    const result = previous === undefined ? undefined : await replaceReplica(unwatched, again, previous);
    if (result?.healthy === true || (result !== undefined && 'overtaken' in result)) continue;
    wrong.push(`${replica.name}: ${result?.reason ?? 'what ran before is not known'}`);
  }
  return wrong;
}

/** Requests go where they went before; containers that wait beside the old ones are removed. */
export async function discardPrepared(context: ReplaceContext, name: string, digest: Digest): Promise<void> {
  context.front?.split(undefined);
  for (const { next } of readReplicas(await membersOf(context.api, name), digest)) {
    if (next !== undefined) await discardNext(context, next.Id);
  }
}
