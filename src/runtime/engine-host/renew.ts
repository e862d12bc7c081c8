import type { Front } from '../front/index.ts';
import type { RenewalOutcome, RenewalRequest, RunningCopy } from '../renewal.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { digestLabel, healthLabel, Label } from './labels.ts';
import { manifestDigest, workloadId } from './list.ts';
import { membersOf } from './members.ts';
import { type ImageTarget, prepareNext, type ReplaceContext, replaceReplica, takeOver } from './replace.ts';
import { labelsOf, nameOf, type Replica, readReplicas, workloadNameOf } from './replica.ts';

const SECOND = 1_000;

/** What the engine has that is no throw-away container. */
export async function runningCopies(api: EngineApi, host?: string): Promise<readonly RunningCopy[]> {
  return (await api.list()).flatMap(({ Labels, Names, State, Id, Created }) => {
    if (Labels?.[Label.owner] !== undefined || State !== 'running' || Created === undefined) return [];
    const name = (Names?.[0] ?? Id).replace(/^\//, '');
    const workload = workloadId(api.engine, host, workloadNameOf(Labels ?? {}, name));
    return [{ workload, name, created: new Date(Created * SECOND) }];
  });
}

/** The image that a container was made from, by its id where its name means another one now. */
async function imageOf(api: EngineApi, container: ContainerInspect): Promise<ImageTarget> {
  const name = container.Config.Image ?? container.Image;
  const named = await api.image(name);
  const reference = labelsOf(container)[Label.reference] ?? name;
  const digest = digestLabel(labelsOf(container)) ?? manifestDigest(await api.image(container.Image), reference);
  return { image: named?.Id === container.Image ? name : container.Image, imageId: container.Image, digest, reference };
}

const isOld = ({ current, name }: Replica, before: Date): boolean =>
  nameOf(current) === name && Date.parse(current.Created ?? '') < before.getTime();

/**
 * Replaces old containers by new ones with the same image and configuration, one by one, each healthy before its
 * predecessor ends. The first that does not become healthy ends it; those that were renewed stay.
 */
export async function renewOnEngine(
  api: EngineApi,
  front: Front | undefined,
  request: RenewalRequest,
  grace: number,
  signal?: AbortSignal,
): Promise<RenewalOutcome> {
  const began = performance.now();
  const { id: workload, name } = request.workload;
  const members = await membersOf(api, name);
  if (members.length === 0) return { kind: 'refused', workload, reason: 'it is gone' };
  let renewed = 0;
  for (const found of members) {
    const target = await imageOf(api, found);
    // Anew each time: the list is as old as the replacements before.
    const replicas = readReplicas(await membersOf(api, name), target.digest ?? 'sha256:');
    const replica = replicas.find(({ current }) => current.Id === found.Id);
    if (replica === undefined || replica.current.State.Running !== true) continue;
    const context: ReplaceContext = {
      ...{ api, front, health: healthLabel(labelsOf(found)), deadline: request.deadline, grace, signal },
    };
    // A call that died between taking over and giving the name.
    const unnamed = nameOf(replica.current) !== replica.name;
    if (!unnamed && !isOld(replica, request.before)) continue;
    const verdict = unnamed
      ? await replaceReplica(context, replica, { ...target, digest: target.digest ?? 'sha256:' })
      : await replaced(context, replica, target);
    if (!verdict.healthy) {
      const milliseconds = Math.round(performance.now() - began);
      return { kind: 'failed', workload, reason: `${replica.name}: ${verdict.reason}`, milliseconds };
    }
    renewed += 1;
  }
  if (renewed === 0) return { kind: 'unchanged', workload };
  return { kind: 'renewed', workload, milliseconds: Math.round(performance.now() - began) };
}

async function replaced(context: ReplaceContext, replica: Replica, target: ImageTarget) {
  const prepared = await prepareNext(context, replica, target);
  return prepared.healthy ? await takeOver(context, replica, prepared.id) : prepared;
}
