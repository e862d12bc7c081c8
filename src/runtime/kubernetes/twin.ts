import { createHash } from 'node:crypto';
import { createObject, deleteObject, getObject, mergePatch } from './calls.ts';
import { kubernetesError } from './errors.ts';
import { type ObjectMeta, type PodTemplate, type ResourceKind, ROLE, type WorkloadObject } from './objects.ts';
import { goneError, type Run, titleOf } from './run.ts';

export type Role = 'canary' | 'green';

/** Longest name whose pods still have it whole. */
const NAME_LIMIT = 52;

export function twinName(name: string, role: Role): string {
  const whole = `${name}-${role}-heraklit`;
  if (whole.length <= NAME_LIMIT) return whole;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, NAME_LIMIT - role.length - 19)}-${hash}-${role}-heraklit`;
}

/** One label of the pods with another value, so that what selects by it does not reach the copies. */
export interface Detachment {
  readonly key: string;
  readonly value: string;
}

/** The labels that our copy's pods have. */
export function twinLabels(
  labels: Readonly<Record<string, string>>,
  role: Role,
  detached: Detachment | undefined,
): Readonly<Record<string, string>> {
  return { ...labels, ...(detached === undefined ? {} : { [detached.key]: detached.value }), [ROLE]: role };
}

/** Goes when the workload goes. */
export const twinMeta = (run: Run, owner: WorkloadObject, role: Role, name: string): object => ({
  name,
  namespace: run.namespace,
  labels: { [ROLE]: role },
  ownerReferences: [
    { apiVersion: 'apps/v1', kind: run.kind, name: run.name, uid: owner.metadata.uid, controller: false },
  ],
});

/**
 * A second Deployment like the first, with the new image: the same pod template (so the same affinity, topology, probes and
 * labels), strategy and minReadySeconds. Labels of the Deployment itself are not taken over: GitOps tools know theirs by them.
 */
export function twinOf(run: Run, owner: WorkloadObject, role: Role, replicas: number, detached?: Detachment): object {
  const { spec } = owner;
  const template = spec?.template as PodTemplate & { metadata?: object };
  const { matchLabels = {}, matchExpressions } = spec?.selector ?? {};
  const changed = detached !== undefined && detached.key in matchLabels ? { [detached.key]: detached.value } : {};
  const containers = template.spec?.containers?.map((container) =>
    container.name === run.container ? { ...container, image: run.request.image } : container,
  );
  const optional = Object.entries({
    strategy: spec?.strategy,
    minReadySeconds: spec?.minReadySeconds,
    progressDeadlineSeconds: spec?.progressDeadlineSeconds,
  }).filter(([, value]) => value !== undefined);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: twinMeta(run, owner, role, twinName(run.name, role)),
    spec: {
      ...Object.fromEntries(optional),
      replicas,
      revisionHistoryLimit: 0,
      selector: {
        matchLabels: { ...matchLabels, ...changed, [ROLE]: role },
        ...(matchExpressions === undefined ? {} : { matchExpressions }),
      },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: twinLabels(template.metadata?.labels ?? {}, role, detached) },
        spec: { ...template.spec, containers },
      },
    },
  };
}

export const isOurs = (object: { readonly metadata: ObjectMeta }): boolean =>
  object.metadata.labels?.[ROLE] !== undefined;

/** Owner by identity: a workload that was deleted and made again does not own what its namesake left. */
const ownedBy = (object: { readonly metadata: ObjectMeta }, owner: WorkloadObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true;

/** Makes an object of ours, or finds it. @throws KUBERNETES_NAME_TAKEN, KUBERNETES_ADMISSION_REFUSED, KUBERNETES_NAMESPACE_TERMINATING */
export async function ensure<T extends { readonly metadata: ObjectMeta }>(
  run: Run,
  owner: WorkloadObject,
  kind: ResourceKind,
  body: object,
): Promise<T> {
  const { name } = (body as { metadata: { name: string } }).metadata;
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const found = await getObject<T>(run, kind, name);
    if (found === undefined) {
      await createObject(run, kind, body);
      continue;
    }
    if (!isOurs(found)) {
      throw kubernetesError(
        'KUBERNETES_NAME_TAKEN',
        `${kind} ${run.namespace}/${name} exists and is not ours; ${titleOf(run)} was not changed`,
        {
          hint: `Have a look at it, then remove it: \`kubectl delete ${kind.toLowerCase()} ${name} --namespace ${run.namespace}\`.`,
        },
      );
    }
    if (found.metadata.deletionTimestamp === undefined && ownedBy(found, owner)) return found;
    // Left by a namesake of the workload, or on its way out.
    await deleteObject(run, kind, name);
    await new Promise((resolve) => setTimeout(resolve, run.pace.look / 4));
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${kind} ${run.namespace}/${name} cannot be made: it comes and goes`);
}

/** Removes an object of ours; another's of that name stays. */
export async function removeOurs(run: Run, kind: ResourceKind, name: string): Promise<void> {
  const found = await getObject<{ readonly metadata: ObjectMeta }>(run, kind, name);
  if (found !== undefined && isOurs(found)) await deleteObject(run, kind, name);
}

/** @throws KUBERNETES_WORKLOAD_MISSING when somebody removed it */
export async function scaleTwin(run: Run, name: string, replicas: number): Promise<void> {
  const patched = await mergePatch(run, 'Deployment', name, { spec: { replicas } });
  if (patched === 'gone') throw await goneError(run);
}

/** The twin as it is, with the image it was made for. */
export async function findTwin(run: Run, role: Role): Promise<WorkloadObject | undefined> {
  const found = await getObject<WorkloadObject>(run, 'Deployment', twinName(run.name, role));
  return found !== undefined && isOurs(found) ? found : undefined;
}
