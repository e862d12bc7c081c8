import type { EngineTransport } from './api.ts';
import type { Labels } from './labels.ts';

/** Something on the engine that was made to be thrown away. */
export interface Scratch {
  readonly id: string;
  readonly labels: Labels;
  /** Seconds since the epoch, where the engine tells. */
  readonly created?: number;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** More was written than is kept. */
  readonly truncated: boolean;
}

export interface ExecOptions {
  readonly user?: string;
  /** Bytes of output that are kept. */
  readonly keep: number;
  readonly signal: AbortSignal;
}

/** The calls that isolated, throw-away containers need besides those of EngineApi. @throws ENGINE_HOST_REFUSED */
export interface ScratchApi {
  /** Addresses of containers are in a network of the engine's own then, which this host does not see. */
  rootless(): Promise<boolean>;
  /** A network without a route outside, in which names resolve. */
  createNetwork(name: string, labels: Labels): Promise<string>;
  createVolume(name: string, labels: Labels): Promise<void>;
  /** Whatever bears the label. */
  containers(label: string): Promise<readonly Scratch[]>;
  networks(label: string): Promise<readonly Scratch[]>;
  volumes(label: string): Promise<readonly Scratch[]>;
  /** With its anonymous volumes; what is not there any more is fine, here and below. */
  removeContainer(id: string): Promise<void>;
  removeNetwork(id: string): Promise<void>;
  removeVolume(name: string): Promise<void>;
  exec(id: string, command: readonly string[], options: ExecOptions): Promise<Output & { readonly exitCode: number }>;
  /** The last bytes of what a container wrote. */
  output(id: string, keep: number): Promise<Output>;
}

/** Bytes read of a log to find its last ones. */
const LOG_BYTES = 16 * 1024 * 1024;
/** Milliseconds a removal may take: the engine kills and unmounts. */
const REMOVAL = 60_000;
/** Milliseconds a command may be silent: its own limit is the signal. */
const QUIET = 24 * 3_600_000;

/** Frames of one stream, 1 stdout and 2 stderr, cut where the answer was. */
function streams(bytes: Buffer): { readonly stdout: Buffer; readonly stderr: Buffer } {
  const parts: { readonly 1: Buffer[]; readonly 2: Buffer[] } = { 1: [], 2: [] };
  let at = 0;
  while (at + 8 <= bytes.length && (bytes[at] as number) <= 2 && bytes.readUIntBE(at + 1, 3) === 0) {
    const length = bytes.readUInt32BE(at + 4);
    parts[bytes[at] === 2 ? 2 : 1].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  // A container with a terminal has no frames.
  if (at === 0) return { stdout: bytes, stderr: Buffer.alloc(0) };
  return { stdout: Buffer.concat(parts[1]), stderr: Buffer.concat(parts[2]) };
}

const lastOf = (bytes: Buffer, keep: number): string => bytes.subarray(Math.max(0, bytes.length - keep)).toString();

export function scratchApi({ ask }: EngineTransport): ScratchApi {
  const id = encodeURIComponent;
  const filter = (label: string): string => id(JSON.stringify({ label: [label] }));
  const json = <T>(body: Buffer): T => JSON.parse(body.toString()) as T;
  const scratch = (name: string, labels: Labels | null | undefined): Scratch => ({ id: name, labels: labels ?? {} });
  return {
    rootless: async () => {
      const { SecurityOptions } = json<{ SecurityOptions?: readonly string[] | null }>(
        (await ask({ path: '/info' })).body,
      );
      return SecurityOptions?.some((option) => option.startsWith('name=rootless')) === true;
    },
    createNetwork: async (name, labels) => {
      const body = { Name: name, CheckDuplicate: true, Driver: 'bridge', Internal: true, Labels: labels };
      return json<{ Id: string }>((await ask({ method: 'POST', path: '/networks/create', body })).body).Id;
    },
    createVolume: async (name, labels) => {
      await ask({ method: 'POST', path: '/volumes/create', body: { Name: name, Labels: labels } });
    },
    containers: async (label) => {
      const found = await ask({ path: `/containers/json?all=true&filters=${filter(label)}` });
      return json<readonly { Id: string; Labels?: Labels | null; Created?: number }[]>(found.body).map((one) => ({
        ...scratch(one.Id, one.Labels),
        ...(one.Created === undefined ? {} : { created: one.Created }),
      }));
    },
    networks: async (label) => {
      const found = await ask({ path: `/networks?filters=${filter(label)}` });
      // Of podman only names are sure to be found again by a DELETE.
      return json<readonly { Name: string; Labels?: Labels | null }[]>(found.body).map((one) =>
        scratch(one.Name, one.Labels),
      );
    },
    volumes: async (label) => {
      const { Volumes } = json<{ Volumes?: readonly { Name: string; Labels?: Labels | null }[] | null }>(
        (await ask({ path: `/volumes?filters=${filter(label)}` })).body,
      );
      return (Volumes ?? []).map((one) => scratch(one.Name, one.Labels));
    },
    removeContainer: async (name) => {
      await ask(
        { method: 'DELETE', path: `/containers/${id(name)}?force=true&v=true&timeout=0`, silence: REMOVAL },
        404,
      );
    },
    removeNetwork: async (name) => {
      await ask({ method: 'DELETE', path: `/networks/${id(name)}`, silence: REMOVAL }, 404);
    },
    removeVolume: async (name) => {
      await ask({ method: 'DELETE', path: `/volumes/${id(name)}?force=true`, silence: REMOVAL }, 404);
    },
    exec: async (name, command, { user, keep, signal }) => {
      const body = {
        AttachStdout: true,
        AttachStderr: true,
        Cmd: command,
        ...(user === undefined ? {} : { User: user }),
      };
      const made = json<{ Id: string }>(
        (await ask({ method: 'POST', path: `/containers/${id(name)}/exec`, body })).body,
      );
      const start = { Detach: false, Tty: false };
      const path = `/exec/${id(made.Id)}/start`;
      const run = await ask({ method: 'POST', path, body: start, keep, signal, silence: QUIET });
      const { stdout, stderr } = streams(run.body);
      const truncated = run.body.length >= keep;
      const state = json<{ ExitCode?: number; Running?: boolean }>(
        (await ask({ path: `/exec/${id(made.Id)}/json` })).body,
      );
      return {
        // Still running: its output was cut, and with it the connection; it is judged by what it said.
        exitCode: state.Running === true ? -1 : (state.ExitCode ?? -1),
        stdout: stdout.toString(),
        stderr: stderr.toString(),
        truncated,
      };
    },
    output: async (name, keep) => {
      // All of it: asked for its tail, podman 4 mixes up a last line that has no end. The engine bounds the file.
      const path = `/containers/${id(name)}/logs?stdout=1&stderr=1`;
      const answer = await ask({ path, keep: LOG_BYTES }, 404, 500);
      if (answer.status !== 200) return { stdout: '', stderr: '', truncated: false };
      const { stdout, stderr } = streams(answer.body);
      const truncated = stdout.length > keep || stderr.length > keep || answer.body.length >= LOG_BYTES;
      return { stdout: lastOf(stdout, keep), stderr: lastOf(stderr, keep), truncated };
    },
  };
}
