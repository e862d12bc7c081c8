import type { Digest } from '../../../oci/index.ts';
import type { Container, ObjectMeta, Pod, PodSpec, PodTemplate, WorkloadKind, WorkloadObject } from '../objects.ts';
import { type ImageId, readImageId } from './image-id.ts';
import type { ObservedContainer } from './types.ts';

/** What is kept of objects: thousands of them are held for as long as a cluster is watched. */
export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
}

export interface ContainerRecord {
  readonly name: string;
  readonly role: ObservedContainer['role'];
  readonly image: string;
}

export interface PodContainerRecord extends ContainerRecord {
  readonly running: ImageId | undefined;
}

export interface PodRecord {
  readonly namespace: string;
  readonly name: string;
  readonly created: string;
  readonly owner: OwnerReference | undefined;
  /** Whose the ReplicaSet must be, as the label with its template's hash tells. */
  readonly revision: { readonly kind: 'Deployment' | 'Rollout'; readonly hash: string } | undefined;
  readonly ready: boolean;
  readonly containers: readonly PodContainerRecord[];
}

export interface DefinitionRecord {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly containers: readonly ContainerRecord[];
}

/** A ReplicaSet or a Job, of which only whose it is counts. */
export interface OwnerRecord {
  readonly namespace: string;
  readonly name: string;
  readonly owner: OwnerReference | undefined;
}

/** The controller; without one whoever is named, but never the node of a static pod. */
export function controllerOf({ ownerReferences = [] }: ObjectMeta): OwnerReference | undefined {
  const owner = ownerReferences.find(({ controller }) => controller === true) ?? ownerReferences[0];
  return owner === undefined || owner.kind === 'Node' ? undefined : { kind: owner.kind, name: owner.name };
}

const named = (containers: readonly Container[] | undefined, role: ObservedContainer['role']): ContainerRecord[] =>
  (containers ?? []).map(({ name, image = '' }) => ({ name, role, image }));

const containersIn = (spec: PodSpec | undefined): readonly ContainerRecord[] => [
  ...named(spec?.containers, 'container'),
  ...named(spec?.initContainers, 'init'),
  ...named(spec?.ephemeralContainers, 'ephemeral'),
];

function revisionOf({ labels }: ObjectMeta): PodRecord['revision'] {
  const [deployment, rollout] = [labels?.['pod-template-hash'], labels?.['rollouts-pod-template-hash']];
  if (rollout !== undefined) return { kind: 'Rollout', hash: rollout };
  return deployment === undefined ? undefined : { kind: 'Deployment', hash: deployment };
}

/** Undefined for a pod that has ended: it runs nothing. */
export function podRecord(pod: Pod): PodRecord | undefined {
  const { metadata, spec, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const ids = new Map<string, ImageId | undefined>();
  for (const statuses of [
    status?.containerStatuses,
    status?.initContainerStatuses,
    status?.ephemeralContainerStatuses,
  ]) {
    for (const { name, imageID } of statuses ?? []) ids.set(name, readImageId(imageID));
  }
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    created: metadata.creationTimestamp ?? '',
    owner: controllerOf(metadata),
    revision: revisionOf(metadata),
    ready: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
    containers: containersIn(spec).map((container) => ({ ...container, running: ids.get(container.name) })),
  };
}

const templateOf = ({ spec }: WorkloadObject): PodTemplate | undefined =>
  spec?.jobTemplate?.spec?.template ?? spec?.template;

function replicasOf(kind: WorkloadKind, { spec, status }: WorkloadObject): number {
  if (kind === 'CronJob') return 0;
  return kind === 'DaemonSet' ? (status?.desiredNumberScheduled ?? 0) : (spec?.replicas ?? 1);
}

export function definitionRecord(kind: WorkloadKind, object: WorkloadObject): DefinitionRecord {
  const { namespace = 'default', name } = object.metadata;
  return {
    kind,
    namespace,
    name,
    replicas: replicasOf(kind, object),
    containers: containersIn(templateOf(object)?.spec),
  };
}

export function ownerRecord({ metadata }: { readonly metadata: ObjectMeta }): OwnerRecord {
  return { namespace: metadata.namespace ?? 'default', name: metadata.name, owner: controllerOf(metadata) };
}

/** The digest that an image reference is pinned to. */
export function pinnedDigest(image: string): Digest | undefined {
  const id = image.includes('@') ? readImageId(image) : undefined;
  return id?.digest;
}
