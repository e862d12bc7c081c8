import { isHeraklitError } from '../../base/index.ts';
import { type Digest, isDigest } from '../../oci/index.ts';
import type { Workload } from '../port.ts';
import type { KubernetesClient } from './client.ts';
import { managedBy } from './managed-by.ts';
import {
  containersOf,
  FOREIGN_KINDS,
  type ForeignKind,
  type Pod,
  pathOf,
  ROLE,
  type RunKind,
  WORKLOAD_KINDS,
  type WorkloadObject,
} from './objects.ts';

/** The digest at the end of an image reference or of a container status' `imageID`. */
export function digestIn(text: string | undefined): Digest | undefined {
  const digest = text?.slice(text.lastIndexOf('@') + 1) ?? '';
  return isDigest(digest) ? digest : undefined;
}

/** `<namespace>/<kind>/<name>` of the workload a pod belongs to: the Deployment behind its ReplicaSet, by the hash label. */
export function ownerOf(pod: Pod): string | undefined {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller !== false);
  if (owner === undefined) return undefined;
  const rollout = pod.metadata.labels?.['rollouts-pod-template-hash'];
  const hash = rollout ?? pod.metadata.labels?.['pod-template-hash'];
  if (owner.kind !== 'ReplicaSet') return `${pod.metadata.namespace}/${owner.kind}/${owner.name}`;
  const name =
    hash !== undefined && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
  return `${pod.metadata.namespace}/${rollout === undefined ? 'Deployment' : 'Rollout'}/${name}`;
}

type Running = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<Digest | undefined>>>;

/** What is kept of a pod: of thousands, whole ones would be hundreds of megabytes. */
interface RunningPod {
  readonly owner: string;
  readonly containers: readonly (readonly [name: string, digest: Digest | undefined])[];
}

function runningPod(pod: Pod): RunningPod | undefined {
  const owner = ownerOf(pod);
  const { phase, containerStatuses = [] } = pod.status ?? {};
  if (owner === undefined || phase === 'Succeeded' || phase === 'Failed') return undefined;
  return { owner, containers: containerStatuses.map(({ name, imageID }) => [name, digestIn(imageID)]) };
}

/** Workload → container → digests its pods run. */
function runningDigests(pods: readonly (RunningPod | undefined)[]): Running {
  const running = new Map<string, Map<string, Set<Digest | undefined>>>();
  for (const pod of pods) {
    if (pod === undefined) continue;
    const containers = running.get(pod.owner) ?? new Map<string, Set<Digest | undefined>>();
    running.set(pod.owner, containers);
    for (const [name, digest] of pod.containers) {
      const digests = containers.get(name) ?? new Set<Digest | undefined>();
      containers.set(name, digests.add(digest));
    }
  }
  return running;
}

function workloadOf(cluster: string, kind: RunKind, object: WorkloadObject, running: Running): Workload | undefined {
  const { name, namespace = 'default', labels, ownerReferences } = object.metadata;
  // Copies of ours beside a workload are a part of its rollout.
  if (labels?.[ROLE] !== undefined) return undefined;
  // What Knative makes for its revisions is Knative's to change.
  if (ownerReferences?.some(({ apiVersion }) => apiVersion?.startsWith('serving.knative.dev/'))) return undefined;
  const pods = running.get(`${namespace}/${kind}/${name}`);
  const containers = containersOf(object).map((container) => {
    const image = container.image ?? '';
    const [only, ...more] = pods?.get(container.name) ?? [];
    return { name: container.name, image, digest: digestIn(image) ?? (more.length === 0 ? only : undefined) };
  });
  const [first] = containers;
  if (first === undefined) return undefined;
  const manager = managedBy(object.metadata, cluster);
  const wanted = kind === 'DaemonSet' ? (object.status?.desiredNumberScheduled ?? 0) : (object.spec?.replicas ?? 1);
  return {
    id: `kubernetes:${cluster}/${namespace}/${kind}/${name}`,
    kind,
    name,
    namespace,
    image: first.image,
    digest: first.digest,
    containers,
    replicas: kind === 'CronJob' ? 0 : wanted,
    ...(manager === undefined ? {} : { managedBy: manager }),
  };
}

/** None where their definitions are not installed, or are not ours to see: most clusters. */
async function foreignObjects<Kept>(
  client: KubernetesClient,
  kind: ForeignKind,
  namespace: string | undefined,
  take: (object: WorkloadObject) => Kept,
): Promise<readonly Kept[]> {
  try {
    return (await client.listAt(pathOf(kind, namespace), take)).items;
  } catch (error) {
    if (isHeraklitError(error, 'KUBERNETES_REFUSED') && error.details.status === 403) return [];
    throw error;
  }
}

/** All workloads of the namespaces (of the cluster when undefined) with the digests that run. */
export async function listWorkloads(
  client: KubernetesClient,
  namespaces: readonly string[] | undefined,
  cluster = client.context,
): Promise<readonly Workload[]> {
  const workloads: (Workload | undefined)[] = [];
  for (const namespace of namespaces ?? [undefined]) {
    const running = runningDigests((await client.listAt(pathOf('Pod', namespace), runningPod)).items);
    const as = (kind: RunKind) => (object: WorkloadObject) => workloadOf(cluster, kind, object, running);
    for (const kind of WORKLOAD_KINDS) {
      workloads.push(...(await client.listAt(pathOf(kind, namespace), as(kind))).items);
    }
    for (const kind of FOREIGN_KINDS) {
      workloads.push(...(await foreignObjects(client, kind, namespace, as(kind))));
    }
  }
  return workloads.filter((workload) => workload !== undefined);
}
