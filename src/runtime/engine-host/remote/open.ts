import { readFile } from 'node:fs/promises';
import { isHeraklitError } from '../../../base/index.ts';
import { type Address, ANY_HOST, onHost } from '../address.ts';
import { engineHostError } from '../errors.ts';
import { type EngineAnswer, type EngineCall, type EngineSocket, type EngineTarget, openEngineSocket } from '../http.ts';
import { dockerContext, dockerHost } from './docker-context.ts';
import { type EndpointOptions, type EngineEndpoint, parseEndpoint, type TlsFiles } from './endpoint.ts';
import { podmanConnection } from './podman-connection.ts';
import { openSshTunnel, type SshTunnel } from './ssh.ts';

/** What of the options of a connection names an engine elsewhere. */
export interface EndpointNames {
  readonly socket?: string;
  readonly command?: 'podman' | 'docker';
  readonly engineArguments?: readonly string[];
  readonly endpoint?: string;
  readonly dockerContext?: string;
  readonly podmanConnection?: string;
  readonly trust?: EndpointOptions;
  readonly environment?: NodeJS.ProcessEnv;
}

/** What the environment names, as the tools themselves read it: a host before a context. */
async function fromEnvironment(
  { command }: EndpointNames,
  trust: EndpointOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EngineEndpoint | undefined> {
  const { CONTAINER_HOST, CONTAINER_CONNECTION, CONTAINER_SSHKEY, DOCKER_HOST, DOCKER_CONTEXT } = environment;
  const set = (text: string | undefined): text is string => text !== undefined && text !== '';
  if (command !== 'docker') {
    const key = set(CONTAINER_SSHKEY) ? { sshKeyFile: CONTAINER_SSHKEY } : {};
    if (set(CONTAINER_HOST)) return parseEndpoint(CONTAINER_HOST, { ...key, ...trust });
    if (set(CONTAINER_CONNECTION))
      return await podmanConnection(CONTAINER_CONNECTION, { ...key, ...trust }, environment);
  }
  if (set(DOCKER_HOST)) return await dockerHost(DOCKER_HOST, trust, environment);
  if (command !== 'podman' && set(DOCKER_CONTEXT) && DOCKER_CONTEXT !== 'default') {
    return await dockerContext(DOCKER_CONTEXT, trust, environment);
  }
  return undefined;
}

/**
 * The engine that is named, by the options or else by the environment; undefined where it is to be looked for on this host.
 * @throws ENGINE_HOST_ENDPOINT_INVALID, ENGINE_HOST_UNTRUSTED
 */
export async function namedEndpoint(names: EndpointNames): Promise<EngineEndpoint | undefined> {
  const environment = names.environment ?? process.env;
  const trust = names.trust ?? {};
  if (names.endpoint !== undefined) return parseEndpoint(names.endpoint, trust);
  if (names.dockerContext !== undefined) return await dockerContext(names.dockerContext, trust, environment);
  if (names.podmanConnection !== undefined) return await podmanConnection(names.podmanConnection, trust, environment);
  if (names.socket !== undefined || names.engineArguments !== undefined) return undefined;
  const found = await fromEnvironment(names, trust, environment);
  // A socket of this host is one of several places that are tried.
  return found?.kind === 'socket' ? undefined : found;
}

async function pem(file: string | undefined, what: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw engineHostError('ENGINE_HOST_ENDPOINT_INVALID', `${what} ${file} cannot be read`, { cause });
  }
}

async function tlsTarget(endpoint: Extract<EngineEndpoint, { kind: 'tcp' }>, files: TlsFiles): Promise<EngineTarget> {
  const { host, port, unverified } = endpoint;
  const ca = await pem(files.caFile, 'the certificate authority');
  const cert = await pem(files.certFile, 'the certificate');
  const key = await pem(files.keyFile, 'the key');
  const own = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return { kind: 'tcp', host, port, tls: { ...own, unverified } };
}

/** The engine behind a tunnel: every call finds it open, and one that only reads is repeated once where it was lost. */
function tunnelled(tunnel: SshTunnel, path: string): EngineSocket {
  const inner = openEngineSocket({ kind: 'socket', path });
  const again = async (call: EngineCall, ask: () => Promise<EngineAnswer>): Promise<EngineAnswer> => {
    await tunnel.socket();
    try {
      return await ask();
    } catch (error) {
      if ((call.method ?? 'GET') !== 'GET' || !isHeraklitError(error, 'ENGINE_HOST_UNAVAILABLE')) throw error;
      await tunnel.socket();
      return await ask();
    }
  };
  return {
    path: tunnel.name,
    call: (call) => again(call, () => inner.call(call)),
    download: (call, file) => again(call, () => inner.download(call, file)),
    upload: async (call, file) => {
      await tunnel.socket();
      return await inner.upload(call, file);
    },
    hijack: async (call) => {
      await tunnel.socket();
      return await inner.hijack(call);
    },
    close: () => inner.close(),
  };
}

/** An open way to an engine, before anybody asked which one it is. */
export interface OpenedEndpoint {
  readonly socket: EngineSocket;
  /** Where an address, as that host sees it, is reached from here; undefined where it is not. */
  reach(address: Address): Promise<Address | undefined>;
  close(): Promise<void>;
}

const LOOPBACK = /^(?:127\.|localhost$|::1$)/;

/** @throws ENGINE_HOST_UNAVAILABLE, ENGINE_HOST_UNTRUSTED, ENGINE_HOST_LOGIN_FAILED, ENGINE_HOST_ENDPOINT_INVALID */
export async function openEndpoint(endpoint: EngineEndpoint, names: EndpointNames): Promise<OpenedEndpoint> {
  if (endpoint.kind === 'socket') {
    const socket = openEngineSocket(endpoint);
    return { socket, reach: async (address) => onHost(address), close: async () => socket.close() };
  }
  if (endpoint.kind === 'ssh') {
    const tunnel = await openSshTunnel(endpoint, names.command, names.environment ?? process.env);
    const socket = tunnelled(tunnel, await tunnel.socket());
    return {
      socket,
      reach: (address) => tunnel.reach(onHost(address)),
      close: async () => {
        socket.close();
        await tunnel.close();
      },
    };
  }
  const { host, port, tls } = endpoint;
  const socket = openEngineSocket(tls === undefined ? { kind: 'tcp', host, port } : await tlsTarget(endpoint, tls));
  return {
    socket,
    // What is published on all addresses of that host is reached by its name; its loopback is not reached.
    reach: async (address) => {
      if (address.host === ANY_HOST) return { host, port: address.port };
      return LOOPBACK.test(address.host) && !LOOPBACK.test(host) ? undefined : address;
    },
    close: async () => socket.close(),
  };
}
