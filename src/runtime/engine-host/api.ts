import type { Duplex } from 'node:stream';
import { isHeraklitError } from '../../base/index.ts';
import { type Address, publishedAt } from './address.ts';
import type {
  ContainerInspect,
  ContainerSummary,
  CreateBody,
  EndpointSettings,
  ImageInspect,
  ImageSummary,
} from './api-types.ts';
import type { EngineConnection } from './connect.ts';
import { engineHostError } from './errors.ts';
import type { EngineAnswer, EngineCall } from './http.ts';
import { listDespiteLost } from './lost-containers.ts';

/** Milliseconds without a byte while the engine pulls (it is silent while it unpacks a layer). */
const PULL_SILENCE = 600_000;

/** The calls we make, typed. Ids and names go into paths encoded; nothing else of them is trusted. */
export interface EngineApi {
  readonly engine: 'podman' | 'docker';
  list(labels?: readonly string[]): Promise<readonly ContainerSummary[]>;
  /** Undefined when there is none. */
  inspect(id: string): Promise<ContainerInspect | undefined>;
  image(reference: string): Promise<ImageInspect | undefined>;
  /** Gives an image a further name, `repository:tag`, which another one may have had. */
  tag(image: string, name: string): Promise<void>;
  /** Every image that is not just a layer of another. */
  images(): Promise<readonly ImageSummary[]>;
  /** Writes an image as a docker archive. @throws ENGINE_HOST_REFUSED */
  exportImage(reference: string, file: string, signal?: AbortSignal): Promise<void>;
  /** Reads images from a docker archive, with the names it gives them. @throws ENGINE_HOST_REFUSED */
  loadImages(file: string, signal?: AbortSignal): Promise<void>;
  /** @throws ENGINE_HOST_PULL_FAILED */
  pull(reference: string, signal?: AbortSignal): Promise<void>;
  create(name: string, body: CreateBody): Promise<string>;
  connect(network: string, id: string, endpoint: EndpointSettings): Promise<void>;
  disconnect(network: string, id: string): Promise<void>;
  /** Name of the pod whose namespaces a container shares (podman). One without an infra container shares none. */
  podOf(id: string): Promise<string | undefined>;
  start(id: string): Promise<void>;
  /** SIGTERM (or the image's stop signal), SIGKILL after `grace` milliseconds. */
  stop(id: string, grace: number): Promise<void>;
  remove(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /** Where a container's port (its main one when undefined) is reached from here; undefined where it is not. */
  reach(container: ContainerInspect, port: number | undefined): Promise<Address | undefined>;
  /** Last lines of both outputs. */
  logs(id: string, lines: number): Promise<string>;
  /** Last lines of both outputs since then, each with its time before it; undefined where there is no such container. */
  logsSince(id: string, since: Date, lines: number): Promise<string | undefined>;
  /** Its terminal or its standard streams, from before its start. @throws ENGINE_HOST_REFUSED */
  attach(id: string): Promise<Duplex>;
  /** Size of its terminal, in characters; false while it has none, not yet or not any more. */
  resize(id: string, size: { readonly columns: number; readonly rows: number }): Promise<boolean>;
  /** Runs a command inside; exit code and output. */
  exec(id: string, command: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }>;
}

/** Output of a container without a terminal comes in frames: type, three zeros, length (4 bytes, big-endian), bytes. */
export function readFrames(bytes: Buffer): string {
  let text = '';
  let at = 0;
  while (at + 8 <= bytes.length && (bytes[at] as number) <= 2 && bytes.readUIntBE(at + 1, 3) === 0) {
    const length = bytes.readUInt32BE(at + 4);
    text += bytes.toString('utf8', at + 8, Math.min(at + 8 + length, bytes.length));
    at += 8 + length;
  }
  return at === 0 ? bytes.toString() : text;
}

function messageIn(answer: EngineAnswer): string {
  const text = answer.body.toString().trim();
  try {
    const read = JSON.parse(text) as { message?: string; cause?: string };
    return read.message ?? text;
  } catch {
    return text.slice(0, 500);
  }
}

/** Docker and podman report a failed pull inside a 200: the last JSON lines carry `error`. */
function pullError(answer: EngineAnswer): string | undefined {
  if (answer.status >= 400) return messageIn(answer);
  for (const line of answer.body.toString().split('\n')) {
    try {
      const read = JSON.parse(line) as { error?: string };
      if (read.error !== undefined) return read.error;
    } catch {
      // Not a line of JSON: progress of another shape.
    }
  }
  return undefined;
}

/** What an engine signs in with at one registry. */
export interface RegistryLogin {
  /** `host:port` */
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** X-Registry-Auth of the Docker Engine API; podman takes the same. */
function loginHeader(reference: string, login: RegistryLogin | undefined): Readonly<Record<string, string>> {
  if (login === undefined || !reference.startsWith(`${login.host}/`)) return {};
  const { username, password, host } = login;
  const content = JSON.stringify({ username, password, serveraddress: host });
  return { 'x-registry-auth': Buffer.from(content).toString('base64url') };
}

/** Calls below the version the engine names; any answer below 400, or one of those that are fine. */
export interface EngineTransport {
  readonly engine: 'podman' | 'docker';
  /** @throws ENGINE_HOST_REFUSED, ENGINE_HOST_UNAVAILABLE */
  ask(call: EngineCall, ...fine: readonly number[]): Promise<EngineAnswer>;
}

export function engineTransport({ engine, prefix, socket }: EngineConnection): EngineTransport {
  const ask = async (call: EngineCall, ...fine: readonly number[]): Promise<EngineAnswer> => {
    const answer = await socket.call({ ...call, path: `${prefix}${call.path}` });
    if (answer.status < 400 || fine.includes(answer.status)) return answer;
    throw engineHostError(
      'ENGINE_HOST_REFUSED',
      `${engine} refused ${call.method ?? 'GET'} ${call.path}: ${messageIn(answer)}`,
      { details: { status: answer.status } },
    );
  };
  return { engine, ask };
}

export function engineApi(connection: EngineConnection, login?: RegistryLogin): EngineApi {
  const { engine, prefix, socket } = connection;
  const { ask } = engineTransport(connection);
  const id = encodeURIComponent;
  const json = <T>(answer: EngineAnswer): T => JSON.parse(answer.body.toString()) as T;
  return {
    engine,
    list: async (labels = []) => {
      const filters = encodeURIComponent(JSON.stringify(labels.length === 0 ? {} : { label: labels }));
      const path = `/containers/json?all=true&filters=${filters}`;
      return await listDespiteLost(async () => json(await ask({ path })), ask);
    },
    inspect: async (name) => {
      const answer = await ask({ path: `/containers/${id(name)}/json` }, 404);
      return answer.status === 404 ? undefined : json(answer);
    },
    image: async (reference) => {
      // The engine routes on the slashes of a reference: they stay.
      const answer = await ask({ path: `/images/${id(reference).replaceAll('%2F', '/')}/json` }, 404);
      return answer.status === 404 ? undefined : json(answer);
    },
    tag: async (image, name) => {
      const colon = name.lastIndexOf(':');
      const [repository, tag] =
        colon > name.lastIndexOf('/') ? [name.slice(0, colon), name.slice(colon + 1)] : [name, 'latest'];
      await ask({ method: 'POST', path: `/images/${id(image)}/tag?repo=${id(repository)}&tag=${id(tag)}` });
    },
    images: async () => json(await ask({ path: '/images/json' })),
    exportImage: async (reference, file, signal) => {
      const path = `${prefix}/images/${id(reference).replaceAll('%2F', '/')}/get`;
      const call = { path, silence: PULL_SILENCE, ...(signal === undefined ? {} : { signal }) };
      const answer = await socket.download(call, file);
      if (answer.status === 200) return;
      throw engineHostError('ENGINE_HOST_REFUSED', `${engine} does not export ${reference}: ${messageIn(answer)}`, {
        details: { status: answer.status },
      });
    },
    loadImages: async (file, signal) => {
      const call = {
        path: `${prefix}/images/load?quiet=1`,
        silence: PULL_SILENCE,
        ...(signal === undefined ? {} : { signal }),
      };
      const error = pullError(await socket.upload(call, file));
      if (error !== undefined)
        throw engineHostError('ENGINE_HOST_REFUSED', `${engine} does not load ${file}: ${error}`);
    },
    pull: async (reference, signal) => {
      // Loopback registries speak plain HTTP; Docker allows that by itself, podman wants to be told.
      const loopback = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?\//.test(reference);
      const path =
        engine === 'podman'
          ? `/libpod/images/pull?reference=${id(reference)}&tlsVerify=${loopback ? 'false' : 'true'}`
          : `/images/create?fromImage=${id(reference)}`;
      const prefixed = engine === 'podman' ? `/v4.0.0${path}` : `${prefix}${path}`;
      try {
        const answer = await socket.call({
          method: 'POST',
          path: prefixed,
          headers: loginHeader(reference, login),
          silence: PULL_SILENCE,
          ...(signal === undefined ? {} : { signal }),
        });
        const error = pullError(answer);
        if (error === undefined) return;
        throw engineHostError('ENGINE_HOST_PULL_FAILED', `${engine} cannot pull ${reference}: ${error}`, {
          hint: 'The reference must be reachable from the engine, with the digest present there.',
        });
      } catch (cause) {
        if (isHeraklitError(cause, 'ENGINE_HOST_PULL_FAILED') || signal?.aborted === true) throw cause;
        throw engineHostError('ENGINE_HOST_PULL_FAILED', `${engine} cannot pull ${reference}`, { cause });
      }
    },
    create: async (name, body) =>
      json<{ Id: string }>(await ask({ method: 'POST', path: `/containers/create?name=${id(name)}`, body })).Id,
    connect: async (network, container, endpoint) => {
      const body = { Container: container, EndpointConfig: endpoint };
      await ask({ method: 'POST', path: `/networks/${id(network)}/connect`, body });
    },
    disconnect: async (network, container) => {
      await ask({ method: 'POST', path: `/networks/${id(network)}/disconnect`, body: { Container: container } });
    },
    podOf: async (name) => {
      if (engine !== 'podman') return undefined;
      const libpod = async <T>(path: string): Promise<T | undefined> => {
        const answer = await socket.call({ path: `/v4.0.0/libpod${path}` });
        return answer.status === 200 ? json<T>(answer) : undefined;
      };
      const pod = (await libpod<{ Pod?: string }>(`/containers/${id(name)}/json`))?.Pod ?? '';
      if (pod === '') return undefined;
      const found = await libpod<{ Name?: string; InfraContainerID?: string }>(`/pods/${id(pod)}/json`);
      return (found?.InfraContainerID ?? '') === '' ? undefined : (found?.Name ?? pod);
    },
    start: async (name) => {
      await ask({ method: 'POST', path: `/containers/${id(name)}/start` });
    },
    stop: async (name, grace) => {
      const seconds = Math.max(1, Math.ceil(grace / 1000));
      const path = `/containers/${id(name)}/stop?t=${seconds}`;
      await ask({ method: 'POST', path, silence: grace + 30_000 }, 404);
    },
    remove: async (name) => {
      await ask({ method: 'DELETE', path: `/containers/${id(name)}?force=true`, silence: 60_000 }, 404);
    },
    rename: async (name, to) => {
      await ask({ method: 'POST', path: `/containers/${id(name)}/rename?name=${id(to)}` });
    },
    reach: async (container, port) => {
      const address = publishedAt(container, port);
      return address === undefined ? undefined : await connection.reach(address);
    },
    logs: async (name, lines) => {
      const answer = await ask({ path: `/containers/${id(name)}/logs?stdout=1&stderr=1&tail=${lines}` }, 404, 500);
      return answer.status === 200 ? readFrames(answer.body).trim() : '';
    },
    logsSince: async (name, since, lines) => {
      const query = `stdout=1&stderr=1&timestamps=1&since=${Math.floor(since.getTime() / 1000)}&tail=${lines}`;
      const answer = await ask({ path: `/containers/${id(name)}/logs?${query}` }, 404);
      return answer.status === 404 ? undefined : readFrames(answer.body);
    },
    attach: async (name) => {
      const path = `${prefix}/containers/${id(name)}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
      return await socket.hijack({ path });
    },
    resize: async (name, { columns, rows }) => {
      const path = `/containers/${id(name)}/resize?h=${rows}&w=${columns}`;
      return (await ask({ method: 'POST', path }, 404, 409, 500)).status < 400;
    },
    exec: async (name, command) => {
      const body = { AttachStdout: true, AttachStderr: true, Cmd: command };
      const made = json<{ Id: string }>(await ask({ method: 'POST', path: `/containers/${id(name)}/exec`, body }));
      const run = await ask({
        method: 'POST',
        path: `/exec/${id(made.Id)}/start`,
        body: { Detach: false, Tty: false },
      });
      const state = json<{ ExitCode?: number }>(await ask({ path: `/exec/${id(made.Id)}/json` }));
      return { exitCode: state.ExitCode ?? -1, output: readFrames(run.body) };
    },
  };
}
