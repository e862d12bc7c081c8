import type { RolloutStrategy } from '../strategy.ts';
import { Annotation } from './apply.ts';
import { jsonPatch, type PatchStep } from './calls.ts';
import { CLAIM, type Claim } from './claim.ts';
import { kubernetesError } from './errors.ts';
import type { Follower } from './follower.ts';
import { containersOf, pathOf, type WorkloadObject } from './objects.ts';
import type { End } from './rolling.ts';
import { disturbance, goneError, type Run, readRun, titleOf, type Verdict } from './run.ts';
import { selectorText } from './selector.ts';
import { notApplicable } from './services.ts';
import { rolloutStatus } from './status.ts';
import { awaitHealth } from './wait.ts';

const ATTEMPTS = 10;

/** Their strategies are theirs: ours is not laid over them. @throws KUBERNETES_STRATEGY_NOT_APPLICABLE */
export function refuseForeign(run: Run, object: WorkloadObject, strategy: RolloutStrategy): void {
  if (strategy.kind === 'rolling') return;
  if (run.kind === 'Rollout' && object.spec?.strategy?.[strategy.kind] !== undefined) return;
  const why =
    run.kind === 'Rollout'
      ? 'its own strategy is another one'
      : 'Knative moves requests to a new revision by the traffic of its Service';
  throw notApplicable(run, why, 'Ask for rolling: it then goes by its own strategy.');
}

/**
 * Containers of a custom resource are one field to the API server unless its definition says otherwise, so an apply of one
 * image would replace all of them. Instead one place in the list is changed, on the very state that was read.
 */
async function setForeignImage(
  run: Run,
  from: string,
  to: string,
  claim: Partial<Claim>,
): Promise<(Verdict & { kind: 'overtaken' }) | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await readRun(run);
    const index = containersOf(object).findIndex(({ name }) => name === run.container);
    const now = containersOf(object)[index]?.image;
    const overtaken = disturbance(run, object, now === to ? to : from);
    if (overtaken !== undefined) return overtaken;
    const next = { ...run.claim, ...claim, renewed: run.claim.renewed + 1 };
    const annotations = {
      ...object.metadata.annotations,
      [CLAIM]: JSON.stringify(next),
      [Annotation.previous]: next.previous,
      ...(to === run.request.image && run.request.tag !== undefined ? { [Annotation.tag]: run.request.tag } : {}),
    };
    const steps: readonly PatchStep[] = [
      { op: 'test', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion },
      { op: 'add', path: '/metadata/annotations', value: annotations },
      { op: 'replace', path: `/spec/template/spec/containers/${index}/image`, value: to },
    ];
    const patched = await jsonPatch(run, run.kind, run.name, steps);
    if (patched === 'gone') throw await goneError(run);
    if (patched === 'conflict') continue;
    run.claim = next;
    return undefined;
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${titleOf(run)} changes faster than its image can be set`);
}

const podsOfForeign = (run: Run, object: WorkloadObject): string =>
  run.kind === 'Rollout' ? selectorText(object.spec?.selector ?? {}) : `serving.knative.dev/service=${run.name}`;

async function comesUp(run: Run, follower: Follower, image: string, obey: boolean): Promise<Verdict> {
  const object = await readRun(run);
  const { progress } = run.request;
  return await awaitHealth(run, follower, {
    image,
    candidate: image,
    pods: podsOfForeign(run, object),
    assess: async (now) => rolloutStatus(run.kind, now),
    obey,
    progress: (done, total) => progress?.update('rollout', done, total, run.name),
  });
}

/** As `kubectl argo rollouts abort`: requests go back to the stable copies at once. The image follows. */
async function abort(run: Run): Promise<void> {
  const path = `${pathOf('Rollout', run.namespace, run.name)}/status`;
  const contentType = 'application/merge-patch+json';
  await run.client.call({ method: 'PATCH', path, contentType, body: { status: { abort: true } }, signal: run.signal });
}

async function goBack(run: Run, follower: Follower, failed: Verdict & { kind: 'failed' }): Promise<End> {
  const { reason, blame } = failed;
  const { previous } = run.claim;
  if (run.kind === 'Rollout' && run.claim.phase !== 'back') await abort(run);
  const overtaken = await setForeignImage(run, run.request.image, previous, { phase: 'back', reason, blame });
  if (overtaken !== undefined) return overtaken;
  const back = await comesUp(run, follower, previous, false);
  if (back.kind === 'healthy') return { kind: 'rolledback', reason, blame };
  if (back.kind === 'overtaken') return back;
  throw kubernetesError(
    'KUBERNETES_ROLLBACK_INCOMPLETE',
    `${titleOf(run)} failed on ${run.request.image} (${reason}) and is not healthy on ${previous} either: ${back.reason}`,
  );
}

/** Rollouts of Argo and Services of Knative: the image is set, their controllers bring it out, and their status is read. */
export async function foreignRollout(run: Run, follower: Follower, from: string): Promise<End> {
  const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
  if (phase === 'back') return await goBack(run, follower, { kind: 'failed', reason, blame });
  const overtaken = await setForeignImage(run, from, run.request.image, { phase: 'promoting' });
  if (overtaken !== undefined) return overtaken;
  const verdict = await comesUp(run, follower, run.request.image, true);
  if (verdict.kind === 'healthy') return { kind: 'rolledout' };
  return verdict.kind === 'overtaken' ? verdict : await goBack(run, follower, verdict);
}
