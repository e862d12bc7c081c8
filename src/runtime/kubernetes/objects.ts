import type { Workload } from '../port.ts';

/** The parts of Kubernetes objects that are read; everything may be absent. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFields[];
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
}

export interface PodSpec {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
}

export interface PodTemplate {
  readonly spec?: PodSpec;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly imageID?: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number };
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface WorkloadObject {
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplate } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly readyReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

export type WorkloadKind = Exclude<Workload['kind'], 'container' | 'file'>;

const RESOURCES: Readonly<Record<WorkloadKind, { readonly group: string; readonly plural: string }>> = {
  Deployment: { group: 'apps/v1', plural: 'deployments' },
  StatefulSet: { group: 'apps/v1', plural: 'statefulsets' },
  DaemonSet: { group: 'apps/v1', plural: 'daemonsets' },
  CronJob: { group: 'batch/v1', plural: 'cronjobs' },
};

export const WORKLOAD_KINDS = Object.keys(RESOURCES) as readonly WorkloadKind[];

export const apiVersionOf = (kind: WorkloadKind): string => RESOURCES[kind].group;

/** Path of a collection (all namespaces when undefined) or of one object. */
export function pathOf(kind: WorkloadKind | 'Pod', namespace: string | undefined, name?: string): string {
  const { group, plural } = kind === 'Pod' ? { group: 'v1', plural: 'pods' } : RESOURCES[kind];
  const root = group.includes('/') ? `/apis/${group}` : `/api/${group}`;
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${inside}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

export function containersOf(object: WorkloadObject): readonly Container[] {
  return (object.spec?.jobTemplate?.spec?.template ?? object.spec?.template)?.spec?.containers ?? [];
}
