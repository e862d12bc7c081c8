import type { Command } from 'commander';
import type { ClusterOptions, EngineRuntime, HelmRuntimeOptions, WorkloadRuntime } from '../runtime/index.ts';
import { type EngineHostOptions, engineAddress, engineHostArgument } from './engine-hosts.ts';

/** Options of every command that starts or replaces containers. */
export interface RuntimeOptions {
  readonly socket?: string;
  readonly engine?: string;
  readonly engineArgument?: readonly string[];
  /** `NAME=ADDRESS` */
  readonly engineHost?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: readonly string[];
  /** What engines sign in with at a registry of ours. */
  readonly registry?: { readonly host: string; readonly username: string; readonly password: string };
}

export function addEngineOptions(command: Command): Command {
  return command
    .option('--socket <path>', 'API socket of podman or Docker; found by itself otherwise')
    .option('--engine <address>', 'another engine: ssh://…, tcp://…, context:NAME (Docker), connection:NAME (podman)')
    .option(
      '--engine-argument <argument...>',
      'global podman argument for an API service of our own, for example --root=/DIR',
    );
}

export function addHostOptions(command: Command): Command {
  return command.option(
    '--engine-host <name=address...>',
    'further engine hosts, addresses as for --engine; their workloads are podman@NAME:…',
  );
}

export function addClusterOptions(command: Command): Command {
  return command
    .option(
      '--kubeconfig <file>',
      'also roll out on this cluster; KUBECONFIG and service accounts are found by themselves',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('--namespace <name...>', 'only these namespaces of the cluster');
}

export async function openEngine(options: RuntimeOptions): Promise<EngineRuntime> {
  const { createEngineRuntime } = await import('../runtime/index.ts');
  return createEngineRuntime({
    ...(options.socket === undefined ? {} : { socket: options.socket }),
    ...(options.engine === undefined ? {} : engineAddress(options.engine)),
    ...(options.engineArgument === undefined ? {} : { engineArguments: options.engineArgument }),
    ...(options.registry === undefined ? {} : { registry: options.registry }),
  });
}

/** Whether a cluster is named by options or the environment, or surrounds us. */
export function isClusterNear({ kubeconfig }: RuntimeOptions): boolean {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = process.env;
  return (kubeconfig ?? KUBECONFIG ?? KUBERNETES_SERVICE_HOST) !== undefined;
}

/** How releases are changed; what is left out is as helm and the cluster have it. */
export type HelmSettings = Pick<HelmRuntimeOptions, 'charts' | 'log'>;

/** What a fleet file names besides. */
export interface FurtherRuntimes {
  readonly hosts?: readonly EngineHostOptions[] | undefined;
  /** In place of the cluster that is near. */
  readonly clusters?: readonly ClusterOptions[] | undefined;
  /** Helm's releases in the clusters, where helm is installed. */
  readonly helm?: HelmSettings | undefined;
}

/** Key of the engine of this machine, or of the one that options name. */
export const ENGINE = 'engine';

/** How some runtimes are opened; the same key is the same settings. */
export interface RuntimeSource {
  readonly key: string;
  open(): Promise<readonly WorkloadRuntime[]>;
}

/** The engine of this host, further ones, and clusters: those given, or one that is named or surrounds us. */
export async function openRuntimes(
  options: RuntimeOptions,
  further: FurtherRuntimes = {},
): Promise<readonly WorkloadRuntime[]> {
  const opened: WorkloadRuntime[] = [];
  for (const source of await runtimeSources(options, further)) opened.push(...(await source.open()));
  return opened;
}

/** The same, not opened yet. */
export async function runtimeSources(
  options: RuntimeOptions,
  { hosts = [], clusters, helm }: FurtherRuntimes = {},
): Promise<readonly RuntimeSource[]> {
  const named = [...hosts, ...(options.engineHost ?? []).map(engineHostArgument)];
  const { createEngineRuntime, createKubernetesRuntime } = await import('../runtime/index.ts');
  const login = options.registry === undefined ? {} : { registry: options.registry };
  const all = clusters ?? (isClusterNear(options) ? [nearCluster(options)] : []);
  return [
    { key: ENGINE, open: async () => [await openEngine(options)] },
    ...named.map((host) => ({
      key: `host ${JSON.stringify(host)}`,
      open: async () => [createEngineRuntime({ ...login, ...host })],
    })),
    ...all.map((one) => ({ key: `cluster ${JSON.stringify(one)}`, open: async () => [createKubernetesRuntime(one)] })),
    ...(helm === undefined
      ? []
      : [{ key: `helm ${JSON.stringify([all, helm.charts])}`, open: () => openHelm(all, helm) }]),
  ];
}

/** The cluster that options name, or that surrounds us. */
export const nearCluster = (options: RuntimeOptions): Omit<ClusterOptions, 'name'> => ({
  ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
  ...(options.context === undefined ? {} : { context: options.context }),
  ...(options.namespace === undefined ? {} : { namespaces: options.namespace }),
});

async function openHelm(
  clusters: readonly HelmRuntimeOptions[],
  helm: HelmSettings,
): Promise<readonly WorkloadRuntime[]> {
  if (clusters.length === 0) return [];
  const { createHelmRuntime, findHelm } = await import('../runtime/index.ts');
  const program = await findHelm();
  return program === undefined ? [] : clusters.map((one) => createHelmRuntime({ ...one, ...helm, program }));
}
