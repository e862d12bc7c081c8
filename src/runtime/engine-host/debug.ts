import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DebugRequest, DebugStreams, TerminalSize } from '../debug-request.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect, CreateBody } from './api-types.ts';
import { engineHostError } from './errors.ts';
import { demultiplexer } from './frames.ts';
import { hostUlimits } from './group.ts';
import { Label } from './labels.ts';
import { membersOf } from './members.ts';
import { ownerOfThisProcess } from './owner.ts';
import { nameOf } from './replica.ts';

/** Milliseconds in which an ended stream's container has ended too. */
const END = 10_000;
const LOOK_EVERY = 50;
const RESIZE_ATTEMPTS = 20;

async function targetOf(api: EngineApi, name: string, copy: string | undefined): Promise<ContainerInspect> {
  const members = await membersOf(api, name);
  const named = copy === undefined ? members : members.filter((member) => nameOf(member) === copy);
  const running = named.find(({ State }) => State.Running === true);
  if (running !== undefined) return running;
  const what = copy === undefined ? `container of ${name}` : `container ${copy} of ${name}`;
  throw engineHostError('ENGINE_HOST_WORKLOAD_MISSING', `no ${what} runs on this engine`, {
    ...(members.length === 0 ? {} : { hint: `It has ${members.map(nameOf).join(', ')}.` }),
  });
}

async function bodyFor(target: ContainerInspect, request: DebugRequest, stdin: boolean): Promise<CreateBody> {
  const ulimits = await hostUlimits();
  const { UsernsMode } = target.HostConfig;
  const into = `container:${target.Id}`;
  return {
    Image: request.image,
    // An empty one would be the image's own, which is no tool; root, because the other's files and processes may be anybody's.
    Entrypoint: request.command.slice(0, 1),
    Cmd: request.command.slice(1),
    User: '0:0',
    Env: Object.entries(request.environment ?? {}).map(([name, value]) => `${name}=${value}`),
    Tty: request.tty,
    ...(stdin ? { OpenStdin: true, StdinOnce: true, AttachStdin: true } : {}),
    AttachStdout: true,
    AttachStderr: true,
    Labels: { [Label.owner]: await ownerOfThisProcess(), [Label.debug]: target.Id },
    HostConfig: {
      PidMode: into,
      NetworkMode: into,
      // Without it neither strace nor /proc/1/root works.
      CapAdd: ['SYS_PTRACE'],
      ...(ulimits.length === 0 ? {} : { Ulimits: ulimits }),
      ...(typeof UsernsMode === 'string' && !['', 'host', 'private'].includes(UsernsMode) ? { UsernsMode: into } : {}),
    },
  };
}

/** Standard input to it and its outputs to ours, until it ends them. */
async function converse(
  stream: Duplex,
  request: DebugRequest,
  streams: DebugStreams,
  signal?: AbortSignal,
): Promise<void> {
  const { stdin, stdout, stderr } = streams;
  const abort = (): void => void stream.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const feed = (part: Buffer): void => void stream.write(part);
  const end = (): void => void stream.end();
  stdin?.on('data', feed);
  stdin?.once('end', end);
  try {
    const output = request.tty ? stream : stream.pipe(demultiplexer(stdout, stderr));
    if (request.tty) stream.on('data', (part: Buffer) => void stdout.write(part));
    else output.resume();
    await finished(stream, { writable: false }).catch(() => {});
  } finally {
    stdin?.off('data', feed);
    stdin?.off('end', end);
    stdin?.pause();
    signal?.removeEventListener('abort', abort);
  }
}

/** A terminal is there a moment after its container is started. */
async function resize(api: EngineApi, id: string, size: TerminalSize): Promise<void> {
  for (let attempt = 1; attempt <= RESIZE_ATTEMPTS; attempt += 1) {
    if (await api.resize(id, size)) return;
    await sleep(LOOK_EVERY);
  }
}

async function exitCodeOf(api: EngineApi, id: string): Promise<number> {
  const until = Date.now() + END;
  for (;;) {
    const container = await api.inspect(id);
    if (container === undefined) throw engineHostError('ENGINE_HOST_REFUSED', 'somebody removed the debug container');
    if (container.State.Running !== true && container.State.Status !== 'created') return container.State.ExitCode ?? -1;
    if (Date.now() > until)
      throw engineHostError('ENGINE_HOST_UNAVAILABLE', 'the connection to the debug container broke');
    await sleep(LOOK_EVERY);
  }
}

/**
 * Runs a container with tools in the process and network namespaces of a workload's running container: its processes are
 * there, its ports are `localhost`, its files are below `/proc/1/root`. Removed when the command ends or `signal` aborts;
 * after SIGKILL by the next reap.
 * @returns the command's exit code
 * @throws ENGINE_HOST_WORKLOAD_MISSING, ENGINE_HOST_PULL_FAILED, ENGINE_HOST_REFUSED
 */
export async function debugOnEngine(
  api: EngineApi,
  name: string,
  request: DebugRequest,
  streams: DebugStreams,
  signal?: AbortSignal,
): Promise<number> {
  const target = await targetOf(api, name, request.copy);
  if ((await api.image(request.image)) === undefined) await api.pull(request.image, signal);
  const body = await bodyFor(target, request, streams.stdin !== undefined);
  const id = await api.create(`${nameOf(target)}.debug-${randomBytes(3).toString('hex')}`, body);
  let stop = (): void => {};
  try {
    const stream = await api.attach(id);
    streams.begin?.(nameOf(target));
    const conversation = converse(stream, request, streams, signal);
    await api.start(id);
    if (request.tty) stop = streams.sizes?.((size) => void resize(api, id, size).catch(() => {})) ?? stop;
    await conversation;
    signal?.throwIfAborted();
    return await exitCodeOf(api, id);
  } finally {
    stop();
    // The next reap finds it, should the engine be away.
    await api.remove(id).catch(() => {});
  }
}
