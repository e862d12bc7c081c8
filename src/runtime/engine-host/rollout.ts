import { isDigest } from '../../oci/index.ts';
import type { Front } from '../front/index.ts';
import type { RolloutOutcome, RolloutRequest } from '../port.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { cannotOverlap } from './clone.ts';
import { engineHostError } from './errors.ts';
import { healthLabel, Label } from './labels.ts';
import { manifestDigest } from './list.ts';
import { type ImageTarget, type ReplaceContext, type ReplaceResult, replaceReplica } from './replace.ts';
import { labelsOf, nameOf, ownName, type Replica, readReplicas, upToDate } from './replica.ts';

export interface RolloutOptions {
  /** Milliseconds for requests in flight, and again from SIGTERM to SIGKILL. */
  readonly grace: number;
  /** Copies replaced at once. */
  readonly parallel: number;
}

/** All containers of a workload, stopped ones included. */
export async function membersOf(api: EngineApi, name: string): Promise<readonly ContainerInspect[]> {
  const found = (await api.list()).filter(
    ({ Labels, Names }) =>
      Labels?.[Label.workload] === name ||
      (Labels?.[Label.workload] === undefined && Names?.some((own) => ownName(own.replace(/^\//, '')) === name)),
  );
  const inspected = await Promise.all(found.map(async ({ Id }) => await api.inspect(Id)));
  return inspected.filter((container) => container !== undefined);
}

async function targetOf(api: EngineApi, request: RolloutRequest, signal?: AbortSignal): Promise<ImageTarget> {
  let image = await api.image(request.image);
  if (image === undefined) {
    await api.pull(request.image, signal);
    image = await api.image(request.image);
  }
  if (image === undefined) {
    throw engineHostError('ENGINE_HOST_PULL_FAILED', `${api.engine} pulled ${request.image} and does not know it`);
  }
  return { image: request.image, imageId: image.Id, digest: request.digest, reference: request.image };
}

/** What a replaced container says ran before it; its image is still on the engine unless somebody pruned it. */
async function previousOf(api: EngineApi, container: ContainerInspect): Promise<ImageTarget | undefined> {
  try {
    const text = labelsOf(container)[Label.previous];
    const read = JSON.parse(text ?? 'null') as {
      image?: string;
      id?: string;
      digest?: string;
      reference?: string;
    } | null;
    if (typeof read?.image !== 'string' || typeof read.id !== 'string') return undefined;
    const named = await api.image(read.image);
    const digest = read.digest !== undefined && isDigest(read.digest) ? read.digest : undefined;
    // The name may have moved to another image since.
    const image = named?.Id === read.id ? read.image : read.id;
    return { image, imageId: read.id, digest, reference: read.reference ?? read.image };
  } catch {
    return undefined;
  }
}

/** Puts the previous image back wherever the candidate serves already. Resolves to what could not be put back. */
async function rollBack(context: ReplaceContext, name: string, request: RolloutRequest): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const replica of readReplicas(await membersOf(context.api, name), request.digest)) {
    if (labelsOf(replica.current)[Label.digest] !== request.digest) continue;
    const previous = await previousOf(context.api, replica.current);
    const again = { ...replica, next: undefined, leftover: [] };
    const result = previous === undefined ? undefined : await replaceReplica(context, again, previous);
    if (result?.healthy !== true) wrong.push(`${replica.name}: ${result?.reason ?? 'what ran before is not known'}`);
  }
  return wrong;
}

async function replaceAll(
  context: ReplaceContext,
  replicas: readonly Replica[],
  target: ImageTarget,
  options: RolloutOptions,
  done: (replica: Replica) => void,
): Promise<readonly { replica: Replica; result: Exclude<ReplaceResult, { healthy: true }> }[]> {
  for (let i = 0; i < replicas.length; i += options.parallel) {
    const batch = replicas.slice(i, i + options.parallel);
    const results = await Promise.all(
      batch.map(async (replica) => {
        const result = await replaceReplica(context, replica, target);
        if (result.healthy) done(replica);
        return { replica, result };
      }),
    );
    const failed = results.flatMap(({ replica, result }) => (result.healthy ? [] : [{ replica, result }]));
    if (failed.length > 0) return failed;
  }
  return [];
}

/** @throws ENGINE_HOST_* where the rollout could not be tried, or not be taken back */
export async function rolloutOnEngine(
  api: EngineApi,
  front: Front | undefined,
  request: RolloutRequest,
  options: RolloutOptions,
  signal?: AbortSignal,
): Promise<RolloutOutcome> {
  const started = Date.now();
  const { name, id: workload } = request.workload;
  const members = await membersOf(api, name);
  if (members.length === 0) {
    throw engineHostError('ENGINE_HOST_WORKLOAD_MISSING', `no container of ${name} on this engine`);
  }
  const replicas = readReplicas(members, request.digest);
  const present = await api.image(request.image);
  const todo = replicas.filter(
    (replica) =>
      !upToDate(replica, request.digest, present?.Id) || replica.next !== undefined || replica.leftover.length > 0,
  );
  const to = request.image;
  if (todo.length === 0) return { kind: 'unchanged', workload, to };
  const target = await targetOf(api, request, signal);
  const [first] = todo as [Replica];
  const before = labelsOf(first.current)[Label.reference] ?? first.current.Config.Image ?? nameOf(first.current);
  const digest = manifestDigest(await api.image(first.current.Image), before);
  const from = before.includes('@') || digest === undefined ? before : `${before}@${digest}`;
  const context: ReplaceContext = {
    api,
    front,
    health: request.health ?? healthLabel(labelsOf(first.current)),
    deadline: request.deadline,
    grace: options.grace,
    signal,
  };
  const interrupted = todo.some(({ current }) => cannotOverlap(current) !== undefined);
  let done = replicas.length - todo.length;
  const failed = await replaceAll(context, todo, target, options, (replica) => {
    done += 1;
    request.progress?.update('rollout', done, replicas.length, replica.name);
  });
  const milliseconds = (): number => Date.now() - started;
  const [worst] = failed;
  if (worst === undefined) return { kind: 'rolledout', workload, from, to, interrupted, milliseconds: milliseconds() };
  const reason = `${worst.replica.name}: ${worst.result.reason}`;
  const wrong = await rollBack(context, name, request);
  if (wrong.length > 0) {
    throw engineHostError(
      'ENGINE_HOST_ROLLBACK_INCOMPLETE',
      `${name} is not healthy on ${to} (${reason}) and could not go back everywhere: ${wrong.join('; ')}`,
      { hint: 'Copies that were healthy still serve; call the rollout of a known image again.' },
    );
  }
  const blame = 'blame' in worst.result ? worst.result.blame : 'image';
  return { kind: 'rolledback', workload, from, to, reason, blame, interrupted, milliseconds: milliseconds() };
}
