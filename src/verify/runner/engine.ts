import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import {
  type ContainerInspect,
  type CreateBody,
  type EngineApi,
  type EngineRuntime,
  hostUlimits,
  ownerLabels,
  type ScratchApi,
} from '../../runtime/index.ts';
import { blameOf } from './blame.ts';
import type { Part, PartMount, PartState, StartResult, TestRunner, TestWorld, WorldRequest } from './port.ts';

/** A container's log on the engine: what floods it, fills no disk. */
const LOG_SIZE = '8m';
const CONNECT_TIMEOUT = 5_000;

/** Docker and podman keep a log in a file of a bounded size under these names. */
const logConfig = (engine: EngineApi['engine']): object =>
  engine === 'podman'
    ? { Type: 'k8s-file', Config: { 'max-size': LOG_SIZE } }
    : { Type: 'json-file', Config: { 'max-size': LOG_SIZE, 'max-file': '1' } };

function limitsOf({ limits }: Part): object {
  const { memory, cpus, pids } = limits;
  return {
    // Swap counts as memory: a container that may swap is slow instead of told.
    ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    ...(pids === undefined ? {} : { PidsLimit: pids }),
  };
}

/** Each world has a network of its own, labelled with its owner and deadline, as everything in it. */
class EngineWorld implements TestWorld {
  readonly #api: EngineApi;
  readonly #scratch: ScratchApi;
  readonly #prefix: string;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #publish: boolean;
  readonly #parts = new Map<string, { readonly id: string; readonly part: Part }>();
  readonly #volumes = new Set<string>();

  constructor(
    api: EngineApi,
    scratch: ScratchApi,
    prefix: string,
    labels: Readonly<Record<string, string>>,
    publish: boolean,
  ) {
    this.#api = api;
    this.#scratch = scratch;
    this.#prefix = prefix;
    this.#labels = labels;
    this.#publish = publish;
  }

  async #bind(mount: PartMount): Promise<string> {
    const { kind, name } = mount.source;
    const options = mount.readOnly ? ':ro' : '';
    if (kind === 'host') return `${name}:${mount.path}${options}`;
    const volume = `${this.#prefix}-${name}`;
    if (!this.#volumes.has(volume)) {
      await this.#scratch.createVolume(volume, this.#labels);
      this.#volumes.add(volume);
    }
    return `${volume}:${mount.path}${options}`;
  }

  async #body(part: Part): Promise<CreateBody> {
    const ports = this.#publish ? part.ports : [];
    const bindings = ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]);
    const binds: string[] = [];
    for (const mount of part.mounts) binds.push(await this.#bind(mount));
    return {
      Image: part.image,
      Hostname: part.name,
      Labels: this.#labels,
      Env: Object.entries(part.environment).map(([name, value]) => `${name}=${value}`),
      ...(part.entrypoint === undefined ? {} : { Entrypoint: part.entrypoint }),
      ...(part.command === undefined ? {} : { Cmd: part.command }),
      ...(part.user === undefined ? {} : { User: part.user }),
      ...(part.workdir === undefined ? {} : { WorkingDir: part.workdir }),
      ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])) }),
      HostConfig: {
        NetworkMode: this.#prefix,
        LogConfig: logConfig(this.#api.engine),
        Ulimits: await hostUlimits(),
        ...(bindings.length === 0 ? {} : { PortBindings: Object.fromEntries(bindings) }),
        ...(binds.length === 0 ? {} : { Binds: binds }),
        ...(part.tmpfs.length === 0 ? {} : { Tmpfs: Object.fromEntries(part.tmpfs.map((path) => [path, ''])) }),
        ...limitsOf(part),
      },
      NetworkingConfig: { EndpointsConfig: { [this.#prefix]: { Aliases: [part.name, ...part.aliases] } } },
    };
  }

  async start(part: Part, signal: AbortSignal): Promise<StartResult> {
    if ((await this.#api.image(part.image)) === undefined) await this.#api.pull(part.image, signal);
    try {
      const id = await this.#api.create(`${this.#prefix}-${part.name}`, await this.#body(part));
      this.#parts.set(part.name, { id, part });
      await this.#api.start(id);
      return { kind: 'started' };
    } catch (error) {
      if (!isHeraklitError(error, 'ENGINE_HOST_REFUSED')) throw error;
      const reason = messageOf(error);
      return { kind: 'refused', blame: blameOf(reason), reason };
    }
  }

  #id(name: string): string {
    const found = this.#parts.get(name);
    if (found === undefined) throw new TypeError(`${name} was not started`);
    return found.id;
  }

  async state(name: string): Promise<PartState> {
    const container = await this.#api.inspect(this.#id(name));
    if (container === undefined) return { kind: 'ended', exitCode: -1, detail: 'its container is gone' };
    const { Status = '', ExitCode = -1 } = container.State;
    if (['exited', 'dead', 'stopped', 'removing'].includes(Status)) {
      return { kind: 'ended', exitCode: ExitCode, detail: endOf(container, this.#parts.get(name)?.part) };
    }
    return Status === 'running' ? { kind: 'running' } : { kind: 'starting', detail: `it is ${Status || 'unknown'}` };
  }

  async address(name: string, port: number): Promise<string> {
    const container = await this.#api.inspect(this.#id(name));
    const bound = container?.NetworkSettings?.Ports?.[`${port}/tcp`]?.find(({ HostPort }) => Number(HostPort) > 0);
    if (this.#publish && bound !== undefined) return `127.0.0.1:${bound.HostPort}`;
    const networks = Object.values(container?.NetworkSettings?.Networks ?? {});
    const own = networks.find(({ IPAddress }) => IPAddress)?.IPAddress;
    if (own === undefined)
      throw Object.assign(new Error(`port ${port} of ${name} cannot be reached`), { code: 'ECONNREFUSED' });
    return `${own}:${port}`;
  }

  async connect(name: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const [host, at] = (await this.address(name, port)).split(':') as [string, string];
    return await new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(at), timeout: CONNECT_TIMEOUT, signal });
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('timeout', () => socket.destroy(new Error(`port ${port} does not answer in ${CONNECT_TIMEOUT} ms`)));
      socket.once('error', reject);
    });
  }

  async exec(...[name, command, options]: Parameters<TestWorld['exec']>) {
    return await this.#scratch.exec(this.#id(name), command, options);
  }

  async output(name: string, keep: number) {
    return await this.#scratch.output(this.#id(name), keep);
  }

  async close(): Promise<void> {
    // Newest first: what depends on others goes before them. What fails here is the reaper's.
    for (const { id } of [...this.#parts.values()].reverse()) await this.#scratch.removeContainer(id).catch(() => {});
    this.#parts.clear();
    await this.#scratch.removeNetwork(this.#prefix).catch(() => {});
    for (const volume of this.#volumes) await this.#scratch.removeVolume(volume).catch(() => {});
  }
}

const KILLED = 137;

/** An engine does not always see that the kernel killed a process for its memory: a SIGKILL under a limit is told as such. */
function endOf({ State }: ContainerInspect, part: Part | undefined): string {
  const memory = part?.limits.memory;
  const killed = (State as { readonly OOMKilled?: boolean }).OOMKilled === true;
  if (killed) return `it ran out of memory${memory === undefined ? '' : ` (limit ${memory} bytes)`}`;
  if (State.ExitCode === KILLED && memory !== undefined)
    return `it was killed, as for its memory limit of ${memory} bytes`;
  return State.Error ?? '';
}

/** Tests on podman or Docker. */
export function engineRunner(runtime: EngineRuntime): TestRunner {
  return {
    name: runtime.name,
    unavailable: async () => await runtime.unavailable(),
    reap: async () => await runtime.reap(),
    async open({ run, deadline }: WorldRequest): Promise<TestWorld> {
      const [api, scratch] = [await runtime.api(), await runtime.scratch()];
      const labels = await ownerLabels(deadline);
      const prefix = `heraklit-test-${run}`;
      await scratch.createNetwork(prefix, labels);
      return new EngineWorld(api, scratch, prefix, labels, await scratch.rootless());
    },
  };
}
