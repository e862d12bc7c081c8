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
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly {
    readonly apiVersion?: string;
    readonly kind: string;
    readonly name: string;
    readonly uid?: string;
    readonly controller?: boolean;
  }[];
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly readinessProbe?: object;
}

export interface PodSpec {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: PodSpec;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly imageID?: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string };
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
    readonly selector?: LabelSelector;
    readonly minReadySeconds?: number;
    readonly progressDeadlineSeconds?: number;
    readonly strategy?: { readonly canary?: object; readonly blueGreen?: object };
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplate } };
  };
  readonly status?: {
    /** Of Argo Rollouts a text. */
    readonly observedGeneration?: number | string;
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
    /** Of Argo Rollouts. */
    readonly phase?: string;
    readonly message?: string;
    readonly abort?: boolean;
    readonly stableRS?: string;
    readonly currentPodHash?: string;
    /** Of Knative. */
    readonly latestCreatedRevisionName?: string;
    readonly latestReadyRevisionName?: string;
  };
}

export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Service {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly {
      readonly name?: string;
      readonly protocol?: string;
      readonly appProtocol?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
    readonly clusterIP?: string;
    readonly sessionAffinity?: string;
    readonly type?: string;
  };
}

/** On copies that we place beside a workload, on their pods, and on Services and Ingresses that lead to them. */
export const ROLE = 'io.heraklit.role';

/** Kinds of the cluster's own controllers. */
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob';
/** Kinds that bring their own controller, and their own strategies with it. */
export type ForeignKind = Extract<Workload['kind'], 'Rollout' | 'KnativeService'>;

const RESOURCES = {
  Deployment: { group: 'apps/v1', plural: 'deployments' },
  StatefulSet: { group: 'apps/v1', plural: 'statefulsets' },
  DaemonSet: { group: 'apps/v1', plural: 'daemonsets' },
  CronJob: { group: 'batch/v1', plural: 'cronjobs' },
  Rollout: { group: 'argoproj.io/v1alpha1', plural: 'rollouts' },
  KnativeService: { group: 'serving.knative.dev/v1', plural: 'services' },
  Job: { group: 'batch/v1', plural: 'jobs' },
  Pod: { group: 'v1', plural: 'pods' },
  Event: { group: 'v1', plural: 'events' },
  Service: { group: 'v1', plural: 'services' },
  Namespace: { group: 'v1', plural: 'namespaces' },
  HTTPRoute: { group: 'gateway.networking.k8s.io/v1', plural: 'httproutes' },
  Ingress: { group: 'networking.k8s.io/v1', plural: 'ingresses' },
  IngressClass: { group: 'networking.k8s.io/v1', plural: 'ingressclasses' },
  HorizontalPodAutoscaler: { group: 'autoscaling/v1', plural: 'horizontalpodautoscalers' },
  NetworkPolicy: { group: 'networking.k8s.io/v1', plural: 'networkpolicies' },
} as const;

export type ResourceKind = keyof typeof RESOURCES;

/** Kinds whose image heraklit sets. */
export type RunKind = WorkloadKind | ForeignKind;

export const FOREIGN_KINDS: readonly ForeignKind[] = ['Rollout', 'KnativeService'];
export const WORKLOAD_KINDS: readonly WorkloadKind[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'];

export const apiVersionOf = (kind: ResourceKind): string => RESOURCES[kind].group;

/** Path of a collection (all namespaces, or none, when undefined) or of one object. */
export function pathOf(kind: ResourceKind, namespace: string | undefined, name?: string): string {
  const { group, plural } = RESOURCES[kind];
  const root = group.includes('/') ? `/apis/${group}` : `/api/${group}`;
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${inside}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

export function containersOf(object: WorkloadObject): readonly Container[] {
  return (object.spec?.jobTemplate?.spec?.template ?? object.spec?.template)?.spec?.containers ?? [];
}
