import { deleteObject } from './calls.ts';
import type { Claim } from './claim.ts';
import { kubernetesError } from './errors.ts';
import type { Follower } from './follower.ts';
import { type Pod, ROLE, type WorkloadObject } from './objects.ts';
import { type Run, readRun, titleOf, type Verdict } from './run.ts';
import { selectorText } from './selector.ts';
import { setImage } from './set-image.ts';
import { blamePods, rolloutStatus } from './status.ts';
import { awaitHealth, podsOf } from './wait.ts';

/** How a strategy ended; the caller makes an outcome of it. */
export type End =
  | { readonly kind: 'rolledout' }
  | (Verdict & { readonly kind: 'overtaken' })
  | { readonly kind: 'rolledback'; readonly reason: string; readonly blame: (Verdict & { kind: 'failed' })['blame'] };

/** Nothing restarts by itself: a CronJob's next run, or pods that somebody deletes by hand. */
export const waitsForNobody = (object: WorkloadObject, kind: Run['kind']): boolean =>
  kind === 'CronJob' || object.spec?.updateStrategy?.type === 'OnDelete';

/** The workload's own pods; copies that we placed beside them carry one more label. */
export const ownPods = (object: WorkloadObject): string =>
  [selectorText(object.spec?.selector ?? {}), `!${ROLE}`].filter((one) => one !== '').join(',');

/** Gives the workload the image, as the cluster's controller brings it out, and waits until it is healthy. */
export async function roll(run: Run, follower: Follower, from: string, claim: Partial<Claim> = {}): Promise<Verdict> {
  const { image, tag, progress } = run.request;
  const overtaken = await setImage(run, { from, to: image, tag, claim });
  if (overtaken !== undefined) return overtaken;
  const object = await readRun(run);
  if (waitsForNobody(object, run.kind)) return { kind: 'healthy' };
  const verdict = await awaitHealth(run, follower, {
    image,
    candidate: image,
    pods: ownPods(object),
    assess: async (now) => rolloutStatus(run.kind, now),
    obey: true,
    progress: (done, total) => progress?.update('rollout', done, total, run.name),
  });
  const total = object.spec?.replicas ?? 1;
  if (verdict.kind === 'healthy') progress?.update('rollout', total, total, run.name);
  return verdict;
}

/** A StatefulSet waits for a broken pod for ever, even after its template was put back: that pod has to go. */
async function deleteBrokenPods(run: Run, pods: readonly Pod[], image: string): Promise<void> {
  for (const pod of pods) {
    const broken = blamePods([pod], run.container, image) !== undefined;
    const own = pod.metadata.ownerReferences?.some(({ kind, name }) => kind === 'StatefulSet' && name === run.name);
    if (broken && own === true) await deleteObject(run, 'Pod', pod.metadata.name);
  }
}

/** None of the older copies is ready, for a reason of the cluster's (no node, no room): there is no health to go back to. */
function neverRan({ container }: Run, pods: readonly Pod[], candidate: string): boolean {
  const isOlder = ({ spec }: Pod): boolean =>
    spec?.containers?.some(({ name, image }) => name === container && image !== candidate) === true;
  const older = pods.filter(isOlder);
  const isReady = ({ status }: Pod): boolean =>
    status?.containerStatuses?.some(({ name, ready }) => name === container && ready === true) === true;
  return older.length > 0 && !older.some(isReady);
}

/**
 * Puts back what ran before and waits until it is healthy, unless somebody else was faster.
 * @throws KUBERNETES_ROLLBACK_INCOMPLETE
 */
export async function rollBack(run: Run, follower: Follower, failed: Verdict & { kind: 'failed' }): Promise<End> {
  const { image } = run.request;
  const { previous } = run.claim;
  const { reason, blame } = failed;
  const before = await podsOf(run, ownPods(await readRun(run)));
  const overtaken = await setImage(run, {
    from: image,
    to: previous,
    tag: undefined,
    claim: { phase: 'back', reason, blame },
  });
  if (overtaken !== undefined) return overtaken;
  if (run.kind === 'StatefulSet') await deleteBrokenPods(run, before, image);
  if (blame === 'environment' && neverRan(run, before, image)) {
    return { kind: 'rolledback', reason: `${reason}; what it ran before was not ready either`, blame };
  }
  const object = await readRun(run);
  if (waitsForNobody(object, run.kind)) return { kind: 'rolledback', reason, blame };
  if (object.spec?.paused === true) {
    return { kind: 'rolledback', reason: `${reason}; it is paused, its copies go back when it is resumed`, blame };
  }
  const back = await awaitHealth(run, follower, {
    image: previous,
    candidate: previous,
    pods: ownPods(object),
    assess: async (now) => rolloutStatus(run.kind, now),
    obey: false,
  });
  if (back.kind === 'healthy') return { kind: 'rolledback', reason, blame };
  if (back.kind === 'overtaken') return back;
  throw kubernetesError(
    'KUBERNETES_ROLLBACK_INCOMPLETE',
    `${titleOf(run)} failed on ${image} (${reason}) and is not healthy on ${previous} either: ${back.reason}`,
  );
}

/** As the platform does it by itself. */
export async function rollingUpdate(run: Run, follower: Follower, from: string): Promise<End> {
  const verdict = await roll(run, follower, from, { phase: 'promoting' });
  if (verdict.kind === 'healthy') return { kind: 'rolledout' };
  return verdict.kind === 'overtaken' ? verdict : await rollBack(run, follower, verdict);
}
