import { isHeraklitError } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { Front } from '../front/index.ts';
import type { HealthCheck } from '../port.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { cannotOverlap, cloneContainer } from './clone.ts';
import { freePort } from './free-port.ts';
import { addressOf, type Verdict, waitHealthy } from './health.ts';
import { Label } from './labels.ts';
import { labelsOf, nameOf, nextName, type Replica } from './replica.ts';

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
  readonly signal: AbortSignal | undefined;
}

export type ReplaceResult =
  | Verdict
  | { readonly healthy: false; readonly reason: string; readonly blame: 'environment' };

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
    labels: {
      [Label.digest]: target.digest,
      [Label.reference]: target.reference,
      [Label.previous]: JSON.stringify(previous),
      ...(hostPort === undefined ? {} : { [Label.hostPort]: String(hostPort) }),
    },
    ...(hostPort === undefined ? {} : { environment: { [labels[Label.portVariable] as string]: String(hostPort) } }),
    ...(published === undefined ? {} : { loopbackPorts: published }),
  });
  const id = await api.create(nextName(replica.name, target.digest, target.imageId), body);
  for (const [network, endpoint] of further) await api.connect(network, id, endpoint);
  return id;
}

/** A started container, from an interrupted call or a new one; or why the engine could not start it. */
async function startNext(context: ReplaceContext, id: string): Promise<ReplaceResult> {
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

async function takeOver(context: ReplaceContext, replica: Replica, id: string): Promise<void> {
  const { api, front, grace } = context;
  const { current } = replica;
  const next = (await api.inspect(id)) as ContainerInspect;
  const address = addressOf(next, undefined);
  if (front !== undefined && address !== undefined) front.add({ id, ...address });
  await front?.drain(current.Id, grace);
  if (current.State.Running === true) await api.stop(current.Id, grace);
  await api.remove(current.Id);
  await api.rename(id, replica.name);
}

/** What is left of an interrupted call when the old container is gone already: its name. */
async function finish(context: ReplaceContext, replica: Replica): Promise<ReplaceResult> {
  const { api } = context;
  const { current } = replica;
  if (current.State.Running !== true) await api.start(current.Id);
  const verdict = await waitHealthy(api, current.Id, context.health, context.deadline, context.signal);
  const address = addressOf((await api.inspect(current.Id)) ?? current, undefined);
  if (verdict.healthy && address !== undefined) context.front?.add({ id: current.Id, ...address });
  if (verdict.healthy && nameOf(current) !== replica.name) await api.rename(current.Id, replica.name);
  return verdict;
}

/**
 * One copy: the new container beside the old one, healthy, traffic over, old one drained, stopped and removed. Where the
 * two cannot run at once the old one is stopped first, and started again if the new one is unhealthy.
 * Every step can be the last one before a crash: the next call reads from the engine where it stands.
 */
export async function replaceReplica(
  context: ReplaceContext,
  replica: Replica,
  target: ImageTarget,
): Promise<ReplaceResult> {
  const { api } = context;
  const { current } = replica;
  for (const leftover of replica.leftover) {
    await context.front?.drain(leftover.Id, context.grace);
    await api.remove(leftover.Id);
  }
  if (target.digest !== undefined && labelsOf(current)[Label.digest] === target.digest)
    return await finish(context, replica);
  const stopFirst = cannotOverlap(current) !== undefined;
  let id = replica.next?.Id;
  if (replica.next !== undefined && replica.next.State.Running !== true) {
    await api.remove(replica.next.Id);
    id = undefined;
  }
  const fresh = id === undefined;
  id ??= await create(context, replica, target);
  if (stopFirst && current.State.Running === true) await api.stop(current.Id, context.grace);
  let result: ReplaceResult = fresh ? await startNext(context, id) : { healthy: true };
  if (result.healthy) result = await waitHealthy(api, id, context.health, context.deadline, context.signal);
  if (result.healthy) {
    await takeOver(context, replica, id);
    return result;
  }
  await api.remove(id);
  if (stopFirst) await api.start(current.Id);
  return result;
}
