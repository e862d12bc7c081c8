import type { Part, PartMount } from '../port.ts';

/** On everything a test makes; its value is the run's. */
export const TEST_LABEL = 'io.heraklit.test';
const PART_LABEL = 'io.heraklit.part';

/** Where and how pods of tests run. */
export interface TestPlacement {
  readonly pullSecret?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly runtimeClass?: string;
}

export interface JobRequest {
  readonly name: string;
  readonly run: string;
  readonly part: Part;
  /** Names of parts that run, by the address of their pods. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** Owner and deadline. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Seconds it may take, and be kept. */
  readonly seconds: number;
  readonly placement: TestPlacement;
}

/** Kubernetes puts values in the place of `$(NAME)` in commands and variables, and `$` in the place of `$$`. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

const labelsOf = (run: string): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/managed-by': 'heraklit',
  [TEST_LABEL]: run,
});

/** Processor asked for at least: limits say what it may take, and a test shares its node. */
const ASKED_CPUS = 0.1;

function resourcesOf({ limits: { memory, cpus } }: Part): object {
  if (memory === undefined && cpus === undefined) return {};
  const asked = cpus === undefined ? {} : { cpu: `${Math.ceil(Math.min(cpus, ASKED_CPUS) * 1000)}m` };
  return {
    resources: {
      limits: {
        ...(memory === undefined ? {} : { memory: String(memory) }),
        ...(cpus === undefined ? {} : { cpu: `${Math.ceil(cpus * 1000)}m` }),
      },
      requests: { ...(memory === undefined ? {} : { memory: String(memory) }), ...asked },
    },
  };
}

/** `1000`, `1000:1000` or `root`; other names are told before (`runner.ts`). */
export function numericUser(user: string): { readonly runAsUser: number; readonly runAsGroup?: number } | undefined {
  const match = /^(\d+|root)(?::(\d+|root))?$/.exec(user);
  if (match === null) return undefined;
  const id = (text: string | undefined): number => (text === 'root' ? 0 : Number(text));
  return { runAsUser: id(match[1]), ...(match[2] === undefined ? {} : { runAsGroup: id(match[2]) }) };
}

function volumesOf({ tmpfs, mounts }: Part): { volumes: object[]; volumeMounts: object[] } {
  const inMemory = tmpfs.map((mountPath, i) => ({
    volume: { name: `tmpfs-${i + 1}`, emptyDir: { medium: 'Memory' } },
    mount: { name: `tmpfs-${i + 1}`, mountPath: mountPath.split(':')[0] },
  }));
  const named = mounts.map(({ path, readOnly, source }: PartMount) => ({
    volume: { name: `volume-${source.name}`, emptyDir: {} },
    mount: { name: `volume-${source.name}`, mountPath: path, readOnly },
  }));
  const all = [...inMemory, ...named];
  const once = new Map(all.map(({ volume }) => [volume.name, volume]));
  return { volumes: [...once.values()], volumeMounts: all.map(({ mount }) => mount) };
}

function containerOf(part: Part, volumeMounts: readonly object[]): object {
  const { image, name, entrypoint, command, workdir, environment, user } = part;
  const [port] = part.ports;
  return {
    name,
    image,
    // A digest says the same for ever; a tag may have moved.
    imagePullPolicy: image.includes('@') ? 'IfNotPresent' : 'Always',
    ...(entrypoint === undefined ? {} : { command: entrypoint.map(literal) }),
    ...(command === undefined ? {} : { args: command.map(literal) }),
    ...(workdir === undefined ? {} : { workingDir: workdir }),
    env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value: literal(value) })),
    // The node asks at the pod's own address, where we, on its loopback interface, cannot look.
    ...(port === undefined ? {} : { readinessProbe: { tcpSocket: { port }, periodSeconds: 1, timeoutSeconds: 2 } }),
    ...resourcesOf(part),
    ...(volumeMounts.length === 0 ? {} : { volumeMounts }),
    securityContext: { ...(user === undefined ? {} : numericUser(user)) },
  };
}

/** Pure: the Job whose one pod is this part of a test. */
export function jobBody({ name, run, part, hosts, annotations, seconds, placement }: JobRequest): object {
  const labels = { ...labelsOf(run), [PART_LABEL]: part.name };
  const { pullSecret, nodeSelector, runtimeClass } = placement;
  const { volumes, volumeMounts } = volumesOf(part);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels, annotations },
    spec: {
      backoffLimit: 0,
      // The cluster's own reaper, should nobody of us live to do it.
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: seconds,
      template: {
        metadata: {
          labels,
          annotations: {
            // A test that is moved has failed; a proxy beside it would be no part of what is tested.
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
            'karpenter.sh/do-not-disrupt': 'true',
            'sidecar.istio.io/inject': 'false',
            'linkerd.io/inject': 'disabled',
          },
        },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 1,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          hostname: part.name,
          ...(hosts.size === 0
            ? {}
            : { hostAliases: [...hosts].map(([ip, hostnames]) => ({ ip, hostnames: [...hostnames] })) }),
          ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
          ...(nodeSelector === undefined ? {} : { nodeSelector }),
          ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          containers: [containerOf(part, volumeMounts)],
          ...(volumes.length === 0 ? {} : { volumes }),
        },
      },
    },
  };
}

/** Pure: pods of one run reach each other, and nothing else reaches or is reached by them. */
export function policyBody(name: string, run: string, annotations: Readonly<Record<string, string>>): object {
  const own = { podSelector: { matchLabels: { [TEST_LABEL]: run } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels: labelsOf(run), annotations },
    spec: { ...own, policyTypes: ['Ingress', 'Egress'], ingress: [{ from: [own] }], egress: [{ to: [own] }] },
  };
}
