import { readFileSync } from 'node:fs';
import { type Agent, globalAgent, type RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { messageOf } from '../../base/index.ts';
import { kubernetesError } from './errors.ts';

export interface ConnectionOptions {
  /** Path of a kubeconfig; else `KUBECONFIG`, the home's, or the service account inside a cluster. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** What ids of workloads call the cluster; its context when undefined. */
  readonly name?: string;
}

/** Where an API server is, and who we are to it, as a kubeconfig said when it was read. */
export interface Connection {
  readonly context: string;
  readonly base: URL;
  /** Adds certificates, tokens and the agent. @throws what an exec plug-in that failed said */
  authorize(request: RequestOptions): Promise<void>;
  /** The same for client-node's own WebSockets. */
  readonly sockets: KubeConfig;
  close(): void;
}

/** @throws KUBERNETES_UNAVAILABLE */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  let tokenFile: string | undefined;
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
    if (options.context !== undefined) config.setCurrentContext(options.context);
    tokenFile = tokenFileOf(config, options.kubeconfig ?? process.env.KUBECONFIG);
  } catch (cause) {
    const where = options.kubeconfig ?? 'the default places';
    throw kubernetesError('KUBERNETES_UNAVAILABLE', `cannot read the kubeconfig of ${where}: ${messageOf(cause)}`, {
      cause,
    });
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw kubernetesError('KUBERNETES_UNAVAILABLE', 'the kubeconfig names no cluster for its current context', {
      hint: 'Set KUBECONFIG, or name a context.',
    });
  }
  let agent: Agent | undefined;
  const authorize = async (request: RequestOptions): Promise<void> => {
    await config.applyToHTTPSOptions(request);
    if (tokenFile !== undefined) {
      const token = readFileSync(tokenFile, 'utf8').trim();
      request.headers = { ...(request.headers as object), authorization: `Bearer ${token}` };
    }
    agent = request.agent as Agent | undefined;
    // A handshake for each page and patch is most of what they cost. Never of the process-wide agent, which is others'.
    if (agent !== undefined && agent !== globalAgent) (agent as Agent & { keepAlive: boolean }).keepAlive = true;
  };
  return {
    context: config.getCurrentContext(),
    base: new URL(server),
    authorize,
    sockets: Object.create(config, { applyToHTTPSOptions: { value: authorize } }) as KubeConfig,
    close: () => {
      if (agent !== globalAgent) agent?.destroy();
    },
  };
}

/** `users[].user.tokenFile`, which client-node does not know; read for each request, since it is there to be renewed. */
function tokenFileOf(config: KubeConfig, file: string | undefined): string | undefined {
  const user = config.getCurrentUser();
  if (file === undefined || file.includes(':') || user === null || user.token !== undefined) return undefined;
  const raw = parse(readFileSync(file, 'utf8')) as {
    readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: unknown } }[];
  } | null;
  const named = raw?.users?.find(({ name }) => name === user.name)?.user?.tokenFile;
  return typeof named === 'string' && named !== '' ? resolve(dirname(file), named) : undefined;
}
