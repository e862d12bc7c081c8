import { isHeraklitError } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { Front } from '../front/index.ts';
import type { HealthCheck } from '../port.ts';
import type { EngineApi } from './api.ts';
import { cannotOverlap, cloneContainer, namesOf } from './clone.ts';
import { composeImageLabels } from './compose-image.ts';
import { createOrShare } from './create-or-share.ts';
import { freePort } from './free-port.ts';
import { type Verdict, waitHealthy } from './health.ts';
import { Label } from './labels.ts';
import { labelsOf, nameOf, nextName, type Replica } from './replica.ts';
import type { Watch } from './watch.ts';

/** The image a replica is to run. */
export interface ImageTarget {
  /** What the engine resolves. */
  readonly image: string;
  readonly imageId: string;
  readonly digest: Digest | undefined;
  /** For people and for `list`. */
  readonly reference: string;
}

export interface ReplaceContext {
  readonly api: EngineApi;
  readonly front: Front | undefined;
  readonly health: HealthCheck | undefined;
  /** Milliseconds without progress. */
  readonly deadline: number;
  /** Milliseconds for requests in flight, and again from SIGTERM to SIGKILL. */
  readonly grace: number;
  readonly watch?: Watch;
  readonly signal: AbortSignal | undefined;
}

export type Failure = Exclude<Verdict, { healthy: true }>;

/** Messages of an engine that cannot start a program because of what the image holds. */
const IMAGE_FAULT =
  /executable file|exec format|no such file|not found in \$PATH|permission denied|unable to find user/i;

async function create(context: ReplaceContext, replica: Replica, target: ImageTarget): Promise<string> {
  const { api } = context;
  const { current } = replica;
  const labels = labelsOf(current);
  const hostPort = labels[Label.portVariable] === undefined ? undefined : await freePort();
  const published =
    hostPort === undefined && labels[Label.port] !== undefined ? [Number(labels[Label.port])] : undefined;
  const previous = {
    image: current.Config.Image ?? current.Image,
    id: current.Image,
    digest: labels[Label.digest],
    reference: labels[Label.reference],
  };
  const { body, further } = cloneContainer(current, await api.image(current.Image), {
    engine: api.engine,
    image: target.image,
    aliases: cannotOverlap(current) !== undefined,
    labels: {
      ...composeImageLabels(current, target),
      [Label.digest]: target.digest,
      [Label.reference]: target.reference,
      [Label.previous]: JSON.stringify(previous),
      ...(hostPort === undefined ? {} : { [Label.hostPort]: String(hostPort) }),
    },
    ...(hostPort === undefined ? {} : { environment: { [labels[Label.portVariable] as string]: String(hostPort) } }),
    ...(published === undefined ? {} : { loopbackPorts: published }),
  });
  const name = nextName(replica.name, target.digest, target.imageId);
  const id = await createOrShare(api, name, body, target.digest);
  for (const [network, endpoint] of further) await api.connect(network, id, endpoint);
  return id;
}

/** A started container, from an interrupted call or a new one; or why the engine could not start it. */
async function startNext(context: ReplaceContext, id: string): Promise<Verdict> {
  try {
    await context.api.start(id);
    return { healthy: true };
  } catch (error) {
    if (!isHeraklitError(error, 'ENGINE_HOST_REFUSED')) throw error;
    const reason = `it does not start: ${error.message}`;
    return IMAGE_FAULT.test(error.message)
      ? { healthy: false, reason }
      : { healthy: false, reason, blame: 'environment' };
  }
}

/** Who holds the name of a copy now, where it is neither the one we replace nor the one we made. */
async function overtakenBy(context: ReplaceContext, replica: Replica, id: string): Promise<string | undefined> {
  const holder = await context.api.inspect(replica.name);
  if (holder?.Id === replica.current.Id) return undefined;
  if (holder?.Id === id) return undefined;
  if (holder === undefined)
    return (await context.api.inspect(replica.current.Id)) === undefined ? 'removed' : undefined;
  return `replaced by one of ${holder.Config.Image ?? holder.Image}`;
}

/** Its networks know the new container by the names of the old one from now on, until that one is gone by both. */
async function takeNames({ api }: ReplaceContext, { current }: Replica, id: string): Promise<void> {
  for (const [network, endpoint] of namesOf(current)) {
    await api.disconnect(network, id);
    await api.connect(network, id, endpoint);
  }
}

/**
 * Hands the requests of a copy to its healthy new container, and removes the old one. Where somebody else replaced or
 * removed the old one meanwhile, theirs is left and ours is removed.
 */
export async function takeOver(context: ReplaceContext, replica: Replica, id: string): Promise<Verdict> {
  const { api, front, grace } = context;
  const { current } = replica;
  const other = await overtakenBy(context, replica, id);
  if (other !== undefined) {
    await front?.drain(id, grace);
    await api.remove(id);
    return { healthy: false, reason: `its container was ${other} meanwhile`, overtaken: true };
  }
  const next = await api.inspect(id);
  if (next === undefined) return { healthy: false, reason: 'somebody removed its container', overtaken: true };
  if (cannotOverlap(current) === undefined) await takeNames(context, replica, id);
  const address = await api.reach((await api.inspect(id)) ?? next, undefined);
  if (front !== undefined && address !== undefined) front.add({ id, ...address });
  await front?.drain(current.Id, grace);
  if (current.State.Running === true) await api.stop(current.Id, grace);
  await api.remove(current.Id);
  // Another process with the same rollout may have done it already.
  if (nameOf(next) !== replica.name) await api.rename(id, replica.name);
  return { healthy: true };
}

/** What is left of an interrupted call when the old container is gone already: its name. */
async function finish(context: ReplaceContext, replica: Replica): Promise<Verdict> {
  const { api } = context;
  const { current } = replica;
  if (current.State.Running !== true) await api.start(current.Id);
  const verdict = await waitHealthy(api, current.Id, context);
  const address = await api.reach((await api.inspect(current.Id)) ?? current, undefined);
  if (verdict.healthy && address !== undefined) context.front?.add({ id: current.Id, ...address });
  if (verdict.healthy && nameOf(current) !== replica.name) await api.rename(current.Id, replica.name);
  return verdict;
}

/** True for a copy that runs the target and lacks at most its name, or a start. */
export const isFinishing = ({ current }: Replica, target: ImageTarget): boolean =>
  target.digest !== undefined && labelsOf(current)[Label.digest] === target.digest;

async function clearLeftovers(context: ReplaceContext, replica: Replica): Promise<void> {
  for (const leftover of replica.leftover) {
    await context.front?.drain(leftover.Id, context.grace);
    await context.api.remove(leftover.Id);
  }
}

export type Prepared = { readonly healthy: true; readonly id: string } | Failure;

/**
 * The new container of a copy, healthy beside the old one, without any request yet; one that an earlier, interrupted call
 * made is carried on with. What does not become healthy is removed. Where the two cannot run at once the old one is stopped
 * first, and started again if the new one is unhealthy.
 */
export async function prepareNext(context: ReplaceContext, replica: Replica, target: ImageTarget): Promise<Prepared> {
  const { api } = context;
  const { current } = replica;
  await clearLeftovers(context, replica);
  const stopFirst = cannotOverlap(current) !== undefined;
  let id = replica.next?.Id;
  if (replica.next !== undefined && replica.next.State.Running !== true) {
    await api.remove(replica.next.Id);
    id = undefined;
  }
  const fresh = id === undefined;
  id ??= await create(context, replica, target);
  if (stopFirst && current.State.Running === true) await api.stop(current.Id, context.grace);
  let result: Verdict = fresh ? await startNext(context, id) : { healthy: true };
  if (result.healthy) result = await waitHealthy(api, id, context);
  if (result.healthy) return { healthy: true, id };
  await api.remove(id);
  if (stopFirst) await restartOld(context, replica);
  return result;
}

/** Where somebody removed it, or put another one in its place that holds its port, there is nothing to start. */
async function restartOld({ api }: ReplaceContext, { current, name }: Replica): Promise<void> {
  if ((await api.inspect(current.Id)) === undefined) return;
  const holder = await api.inspect(name);
  if (holder !== undefined && holder.Id !== current.Id) return;
  await api.start(current.Id);
}

/**
 * One copy: the new container beside the old one, healthy, traffic over, old one drained, stopped and removed.
 * Every step can be the last one before a crash: the next call reads from the engine where it stands.
 */
export async function replaceReplica(context: ReplaceContext, replica: Replica, target: ImageTarget): Promise<Verdict> {
  if (isFinishing(replica, target)) {
    await clearLeftovers(context, replica);
    return await finish(context, replica);
  }
  const prepared = await prepareNext(context, replica, target);
  return prepared.healthy ? await takeOver(context, replica, prepared.id) : prepared;
}

/** Takes back a prepared container that has not taken over; the old one never stopped. */
export async function discardNext(context: ReplaceContext, id: string): Promise<void> {
  await context.front?.drain(id, context.grace);
  await context.api.remove(id);
}
