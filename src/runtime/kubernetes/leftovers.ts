import { isHeraklitError } from '../../base/index.ts';
import { deleteObject, disown, mergePatch } from './calls.ts';
import { splitFor, tearDown } from './canary.ts';
import type { Claim } from './claim.ts';
import { type ObjectMeta, pathOf, type ResourceKind, ROLE, type WorkloadObject } from './objects.ts';
import { partitionOf } from './partition.ts';
import { type Run, readRun } from './run.ts';
import { switchService } from './services.ts';
import { asMany } from './stable.ts';
import { type Role, removeOurs, twinLabels, twinName } from './twin.ts';

const ROLES: readonly Role[] = ['canary', 'green'];

/** Removes objects of this kind that we placed beside this workload. */
async function sweep(run: Run, owner: WorkloadObject, kind: ResourceKind): Promise<void> {
  const path = `${pathOf(kind, run.namespace)}?labelSelector=${encodeURIComponent(ROLE)}`;
  const found = await run.client.list<{ readonly metadata: ObjectMeta }>(path).catch((error: unknown) => {
    // Who may not see these kinds has not placed any.
    if (isHeraklitError(error, 'KUBERNETES_REFUSED')) return [];
    throw error;
  });
  for (const { metadata } of found) {
    const own = metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid);
    if (own === true && metadata.deletionTimestamp === undefined) await deleteObject(run, kind, metadata.name);
  }
}

const countsOf = ({ replicas, fewer }: Claim): Pick<Claim, 'replicas' | 'fewer'> => ({
  ...(replicas === undefined ? {} : { replicas }),
  ...(fewer === undefined ? {} : { fewer }),
});

/**
 * Undoes what a rollout of another image, or by another strategy, left half-way: requests first, then copies. The image of
 * the workload itself is left to what follows.
 */
export async function clearUp(run: Run, left: Claim | undefined): Promise<void> {
  const object = await readRun(run);
  if (left?.strategy === 'canary' && run.kind === 'Deployment') {
    // What serves meanwhile are the copies of that rollout, until the update that follows has the workload whole.
    await asMany({ ...run, claim: { ...run.claim, ...countsOf(left) } });
    try {
      await tearDown(run, await splitFor(run, object, left.traffic));
    } catch (error) {
      if (!isHeraklitError(error, 'KUBERNETES_STRATEGY_NOT_APPLICABLE')) throw error;
    }
  }
  for (const [service, selector] of Object.entries(left?.selectors ?? {})) {
    const own = left?.selectors?.[left.service ?? ''] ?? {};
    await switchService(run, service, twinLabels(own, 'green', left?.detached), selector);
    await disown(run, 'Service', service);
  }
  if (run.kind === 'StatefulSet' && left?.strategy === 'canary' && left.partition !== undefined) {
    if (partitionOf(object) !== left.partition) {
      const spec = { updateStrategy: { rollingUpdate: { partition: left.partition } } };
      await mergePatch(run, run.kind, run.name, { spec });
    }
  }
  if (run.kind !== 'Deployment') return;
  if (left?.traffic !== undefined) await sweep(run, object, 'Service');
  if (left?.traffic?.kind === 'ingress') await sweep(run, object, 'Ingress');
  for (const role of ROLES) await removeOurs(run, 'Deployment', twinName(run.name, role));
}
