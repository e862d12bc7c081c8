import type { Front } from '../front/index.ts';
import type { RolloutOutcome, RolloutRequest } from '../port.ts';
import type { EngineApi } from './api.ts';
import { cannotOverlap } from './clone.ts';
import { moveComposeNames } from './compose-image.ts';
import { engineHostError } from './errors.ts';
import { healthLabel, Label } from './labels.ts';
import { manifestDigest } from './list.ts';
import { membersOf, targetOf } from './members.ts';
import type { ReplaceContext } from './replace.ts';
import { refuseUnreplaceable } from './replaceable.ts';
import { labelsOf, nameOf, type Replica, readReplicas, upToDate } from './replica.ts';
import { discardPrepared, type Failed, rollBack, rollingWalk, type Walk } from './rolling.ts';
import { besideWalk, copiesWalk } from './staged.ts';
import { courseOf } from './steps.ts';
import { watchOf } from './watch.ts';

export interface RolloutOptions {
  /** Milliseconds for requests in flight, and again from SIGTERM to SIGKILL. */
  readonly grace: number;
  /** Copies replaced at once. */
  readonly parallel: number;
}

/** What ran before, with its digest where the engine knows it. */
async function referenceBefore(api: EngineApi, { current }: Replica): Promise<string> {
  const before = labelsOf(current)[Label.reference] ?? current.Config.Image ?? nameOf(current);
  const digest = manifestDigest(await api.image(current.Image), before);
  return before.includes('@') || digest === undefined ? before : `${before}@${digest}`;
}

/** A copy that somebody put on another image while the others were replaced. */
async function strayed(walk: Walk, request: RolloutRequest): Promise<Failed | undefined> {
  const { api } = walk.context;
  const other = readReplicas(await membersOf(api, walk.name), request.digest).find(
    (replica) => !upToDate(replica, request.digest, walk.target.imageId),
  );
  if (other === undefined) return undefined;
  const runs = labelsOf(other.current)[Label.reference] ?? other.current.Config.Image ?? other.current.Image;
  const reason =
    other.current.State.Running === true ? `somebody set it to ${runs} meanwhile` : 'somebody stopped it meanwhile';
  return { where: other.name, failure: { healthy: false, reason, overtaken: true } };
}

async function carryOut(
  walk: Walk,
  replicas: readonly Replica[],
  todo: readonly Replica[],
  request: RolloutRequest,
  before: string,
): Promise<Failed | undefined> {
  const course = courseOf(walk.name, request.strategy, todo, walk.context.front !== undefined);
  if (course.kind === 'rolling') return await rollingWalk(walk, todo);
  const staged = { steps: course.steps, control: request.control, digest: request.digest, before };
  // Shares are of all copies: those that an interrupted call replaced already count.
  if (course.kind === 'copies')
    return await copiesWalk(walk, [...replicas.filter((one) => !todo.includes(one)), ...todo], staged);
  return await besideWalk(walk, todo, staged);
}

async function takenBack(
  context: ReplaceContext,
  request: RolloutRequest,
  { where, failure }: Failed,
  facts: { readonly workload: string; readonly from: string; readonly to: string; readonly interrupted: boolean },
  started: number,
): Promise<RolloutOutcome> {
  const { name } = request.workload;
  const reason = where === name ? failure.reason : `${where}: ${failure.reason}`;
  const milliseconds = (): number => Date.now() - started;
  if ('overtaken' in failure) {
    await discardPrepared(context, name, request.digest);
    return { kind: 'overtaken', reason, ...facts, milliseconds: milliseconds() };
  }
  const wrong = await rollBack(context, name, request.digest);
  if (wrong.length === 0) {
    return { kind: 'rolledback', reason, blame: failure.blame ?? 'image', ...facts, milliseconds: milliseconds() };
  }
  throw engineHostError(
    'ENGINE_HOST_ROLLBACK_INCOMPLETE',
    `${name} is not healthy on ${facts.to} (${reason}) and could not go back everywhere: ${wrong.join('; ')}`,
    {
      hint: `Copies that were healthy still serve; bring back a known image: \`heraklit rollout ${name} --image HOST/REPOSITORY@DIGEST\`.`,
    },
  );
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
  const [first] = todo;
  if (first === undefined) {
    await moveComposeNames(api, members);
    return { kind: 'unchanged', workload, to };
  }
  courseOf(name, request.strategy, todo, front !== undefined);
  await refuseUnreplaceable(api, todo, request.image);
  const target = await targetOf(api, request, signal);
  const from = await referenceBefore(api, first);
  const context: ReplaceContext = {
    api,
    front,
    health: request.health ?? healthLabel(labelsOf(first.current)),
    deadline: request.deadline,
    grace: options.grace,
    watch: watchOf(request.control),
    signal,
  };
  const interrupted = todo.some(({ current }) => cannotOverlap(current) !== undefined);
  const done = new Set(replicas.filter((one) => !todo.includes(one)).map((one) => one.name));
  const walk: Walk = {
    context,
    name,
    target,
    parallel: options.parallel,
    done: (replica) => {
      done.add(replica.name);
      request.progress?.update('rollout', done.size, replicas.length, replica.name);
    },
  };
  const failed = (await carryOut(walk, replicas, todo, request, from)) ?? (await strayed(walk, request));
  const facts = { workload, from, to, interrupted };
  if (failed !== undefined) return await takenBack(context, request, failed, facts, started);
  await moveComposeNames(api, await membersOf(api, name));
  return { kind: 'rolledout', ...facts, milliseconds: Date.now() - started };
}
