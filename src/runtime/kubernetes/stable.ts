import { isHeraklitError } from '../../base/index.ts';
import type { RolloutStrategy } from '../strategy.ts';
import { disown, mergePatch } from './calls.ts';
import { kubernetesError } from './errors.ts';
import type { Follower } from './follower.ts';
import { managedBy } from './managed-by.ts';
import { type ObjectMeta, pathOf, type WorkloadObject } from './objects.ts';
import { ownPods } from './rolling.ts';
import { goneError, type Run, readRun, saveClaim, titleOf, type Verdict } from './run.ts';
import { notApplicable } from './services.ts';
import { rolloutStatus } from './status.ts';
import { awaitHealth, type Wait } from './wait.ts';

type Strategy = RolloutStrategy & { kind: 'canary' };

const ATTEMPTS = 10;

const sharesByCopies = ({ traffic }: Strategy): boolean => traffic === undefined || traffic.kind === 'replicas';

/** Whether a canary makes the workload itself smaller for a while. */
export const needsFewer = (strategy: Strategy): boolean =>
  sharesByCopies(strategy) && strategy.steps.some(({ weight }) => weight > 50);

interface Autoscaler {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string } };
}

/**
 * A workload whose number of copies somebody else keeps does not become smaller: they would make it larger again.
 * @throws KUBERNETES_STRATEGY_NOT_APPLICABLE
 */
export async function refuseFewer(run: Run, object: WorkloadObject): Promise<void> {
  const keeper = await keeperOf(run, object);
  if (keeper === undefined) return;
  throw notApplicable(
    run,
    `weights over 50 by copies alone need fewer of its own, and ${keeper}`,
    'Use weights up to 50, or have requests split: --traffic gateway:ROUTE or ingress:NAME (`traffic` in the fleet file).',
  );
}

async function keeperOf(run: Run, object: WorkloadObject): Promise<string | undefined> {
  let scalers: readonly Autoscaler[];
  try {
    scalers = await run.client.list<Autoscaler>(pathOf('HorizontalPodAutoscaler', run.namespace));
  } catch (error) {
    if (!isHeraklitError(error, 'KUBERNETES_REFUSED')) throw error;
    return 'whether an autoscaler keeps their number may not be read (deploy/kubernetes/rbac.yaml: horizontalpodautoscalers)';
  }
  const scaler = scalers.find(({ spec }) => {
    const { kind, name } = spec?.scaleTargetRef ?? {};
    return kind === run.kind && name === run.name;
  });
  if (scaler !== undefined) return `HorizontalPodAutoscaler ${scaler.metadata.name} keeps their number`;
  const manager = managedBy(object.metadata, '');
  if (manager === undefined || manager.by === 'helm') return undefined;
  const writer = (object.metadata.managedFields ?? []).find(
    ({ manager: name, fieldsV1, subresource }) =>
      (subresource ?? '') === '' && !(name ?? '').startsWith('heraklit') && hasReplicas(fieldsV1),
  );
  return writer === undefined ? undefined : `${manager.by} (${manager.id}) keeps their number`;
}

const hasReplicas = (fields: Readonly<Record<string, unknown>> | undefined): boolean =>
  'f:replicas' in ((fields?.['f:spec'] as object | undefined) ?? {});

/** Copies that are wanted: where we made them fewer, as many as before; where somebody set another number since, theirs. */
export function wantedOf({ claim }: Run, { spec }: WorkloadObject): number {
  const now = spec?.replicas ?? 1;
  return claim.replicas !== undefined && claim.fewer?.includes(now) === true ? claim.replicas : now;
}

async function scale(run: Run, decide: (now: number) => number | undefined): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await readRun(run);
    const replicas = decide(object.spec?.replicas ?? 1);
    if (replicas === undefined) return;
    const { resourceVersion } = object.metadata;
    const patched = await mergePatch(run, run.kind, run.name, { metadata: { resourceVersion }, spec: { replicas } });
    if (patched === 'gone') throw await goneError(run);
    if (patched !== 'conflict') return;
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${titleOf(run)} changes faster than its copies can be counted`);
}

/** Makes the workload itself as small as a step wants it; what it was stands in the claim first. */
export async function makeFewer(run: Run, wanted: number, stable: number): Promise<void> {
  const now = (await readRun(run)).spec?.replicas ?? 1;
  if (now === stable) return;
  await saveClaim(run, { replicas: wanted, fewer: [...new Set([...(run.claim.fewer ?? []), stable])] });
  await scale(run, (found) => (found === stable ? undefined : stable));
}

/** Until the old copies that are too many for a step are gone, with an eye on the new ones. */
export const untilFewer = (wait: Wait, stable: number): Wait => ({
  ...wait,
  assess: async (object) => {
    const status = await wait.assess(object);
    if (status.kind !== 'complete') return status;
    const seen = Number(object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
    const many = (object.status?.replicas ?? 0) - stable;
    if (seen && many <= 0) return status;
    const detail = `${Math.max(0, many)} old copies are still to go`;
    return { kind: 'progressing', done: 0, total: stable, detail };
  },
});

/** As many copies as before, without waiting for them; a number that somebody else set stays. */
export async function asMany(run: Run): Promise<void> {
  const { replicas, fewer = [] } = run.claim;
  if (replicas === undefined) return;
  await scale(run, (now) => (fewer.includes(now) && now !== replicas ? replicas : undefined));
  await disown(run, run.kind, run.name);
}

/** As many copies as before, healthy, before those beside them go. @param image that the workload has now */
export async function bringBack(run: Run, follower: Follower, image: string, obey: boolean): Promise<Verdict> {
  if (run.claim.replicas === undefined) return { kind: 'healthy' };
  await asMany(run);
  const object = await readRun(run);
  return await awaitHealth(run, follower, {
    ...{ image, candidate: image, pods: ownPods(object), obey },
    assess: async (now) => rolloutStatus(run.kind, now),
  });
}
