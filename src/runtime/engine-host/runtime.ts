import { isHeraklitError, messageOf } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { DebugRequest, DebugStreams } from '../debug-request.ts';
import { type Backend, createFront, type Front, type ListenAddress } from '../front/index.ts';
import type { MemberObserver } from '../members.ts';
import type { RolloutOutcome, Workload, WorkloadRuntime } from '../port.ts';
import type { WorkloadRenewer } from '../renewal.ts';
import { type EngineApi, engineApi, engineTransport, type RegistryLogin } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { connectEngine, type EngineConnection, type EngineConnectOptions } from './connect.ts';
import { debugOnEngine } from './debug.ts';
import { engineHostError } from './errors.ts';
import { groupBody, type WorkloadGroup } from './group.ts';
import { waitHealthy } from './health.ts';
import { healthLabel, Label, listenLabel } from './labels.ts';
import { listWorkloads } from './list.ts';
import { membersOf } from './members.ts';
import { containerObserver } from './observe.ts';
import { reapLeftovers } from './owner.ts';
import { renewOnEngine, runningCopies } from './renew.ts';
import { labelsOf, readReplicas } from './replica.ts';
import { type RolloutOptions, rolloutOnEngine } from './rollout.ts';
import { type ScratchApi, scratchApi } from './scratch.ts';

export interface EngineRuntimeOptions extends EngineConnectOptions, Partial<RolloutOptions> {
  /** Our own registry, where it wants to know who pulls. */
  readonly registry?: RegistryLogin;
  /** Name of an engine host besides the one we run on: its workloads are `podman@HOST:NAME`. */
  readonly host?: string;
}

export interface LaunchedWorkload {
  readonly name: string;
  readonly front: Front | undefined;
}

/** Podman or Docker on one host. */
export interface EngineRuntime extends WorkloadRuntime {
  readonly members: MemberObserver;
  readonly renewal: WorkloadRenewer;
  /** The typed API, for steps that start throw-away containers. @throws ENGINE_HOST_UNAVAILABLE */
  api(): Promise<EngineApi>;
  /** What isolated throw-away containers need besides. @throws ENGINE_HOST_UNAVAILABLE */
  scratch(): Promise<ScratchApi>;
  /**
   * Starts what is missing of a group and opens its front when all are healthy; called again it changes nothing.
   * @throws ENGINE_HOST_REFUSED, ENGINE_HOST_PULL_FAILED, FRONT_LISTEN_FAILED
   */
  launch(group: WorkloadGroup, deadline?: number): Promise<LaunchedWorkload>;
  /** Opens the fronts of all groups found by their labels: at the start of the process that is to own them. */
  openFronts(): Promise<readonly LaunchedWorkload[]>;
  /** Stops, removes and forgets a group. */
  dismantle(name: string): Promise<void>;
  /** Removes throw-away containers, networks and volumes of dead processes; the number of them. */
  reap(): Promise<number>;
}

/** Matches no container: replicas are read without a rollout in mind. */
const NO_DIGEST: Digest = 'sha256:';
const DEFAULT_GRACE = 10_000;
const DEFAULT_DEADLINE = 60_000;

class EngineHostRuntime implements EngineRuntime {
  readonly name: string;
  readonly members = containerObserver(() => this.api());
  readonly renewal: WorkloadRenewer = {
    copies: async () => await runningCopies(await this.api(), this.#options.host),
    renew: async (request, signal) => {
      const api = await this.api();
      const front = await this.#ownFront(request.workload.name);
      return await renewOnEngine(api, front, request, this.#options.grace ?? DEFAULT_GRACE, signal);
    },
  };
  readonly #options: EngineRuntimeOptions;
  readonly #fronts = new Map<string, Front>();
  #connection: Promise<EngineConnection> | undefined;

  constructor(options: EngineRuntimeOptions) {
    this.#options = options;
    this.name = options.host === undefined ? (options.command ?? 'engine') : `engine@${options.host}`;
  }

  async #connected(): Promise<EngineConnection> {
    const connection = this.#connection ?? connectEngine(this.#options);
    this.#connection = connection;
    try {
      return await connection;
    } catch (error) {
      // The next call may find an engine that was started meanwhile.
      this.#connection = undefined;
      throw error;
    }
  }

  async api(): Promise<EngineApi> {
    return engineApi(await this.#connected(), this.#options.registry);
  }

  async scratch(): Promise<ScratchApi> {
    return scratchApi(engineTransport(await this.#connected()));
  }

  async unavailable(): Promise<string | undefined> {
    try {
      await this.#connected();
      return undefined;
    } catch (error) {
      return messageOf(error).replace(/\s*\n\s*/g, ' ');
    }
  }

  async list() {
    return await listWorkloads(await this.api(), this.#options.host);
  }

  async #frontOf(name: string, members: readonly ContainerInspect[]): Promise<Front | undefined> {
    const known = this.#fronts.get(name);
    const api = await this.api();
    const backends: Backend[] = [];
    for (const { current } of readReplicas(members, NO_DIGEST)) {
      const address = current.State.Running === true ? await api.reach(current, undefined) : undefined;
      if (address !== undefined) backends.push({ id: current.Id, ...address });
    }
    if (known !== undefined) {
      const behind = new Set(known.backends().map(({ id }) => id));
      for (const backend of backends) if (!behind.has(backend.id)) known.add(backend);
      return known;
    }
    const [labels] = members.map(labelsOf).filter((found) => found[Label.listen] !== undefined);
    const listen = labels === undefined ? undefined : listenLabel(labels);
    if (labels === undefined || listen === undefined) return undefined;
    this.#refuseFront(name);
    const protocol = labels[Label.protocol] === 'tcp' ? 'tcp' : 'http';
    const front = await createFront({ listen, backends, protocol });
    this.#fronts.set(name, front);
    return front;
  }

  /** Requests pass through the process that hands them over: of another host, that is one that runs there. */
  #refuseFront(name: string): void {
    if (this.#options.host === undefined) return;
    throw engineHostError('ENGINE_HOST_FRONT_ELSEWHERE', `the front of ${name} is on ${this.#options.host}`, {
      hint: `Requests are handed over by the heraklit that runs there: on that host, \`heraklit rollout ${name} --image HOST/REPOSITORY@DIGEST\`.`,
    });
  }

  async launch(group: WorkloadGroup, deadline = DEFAULT_DEADLINE): Promise<LaunchedWorkload> {
    if (group.listen !== undefined) this.#refuseFront(group.name);
    const api = await this.api();
    if ((await api.image(group.image)) === undefined) await api.pull(group.image);
    const before = await membersOf(api, group.name);
    const listen = await this.#listenFor(group, before);
    const present = new Set(readReplicas(before, NO_DIGEST).map(({ number }) => number));
    for (let i = 1; i <= group.replicas; i += 1) {
      if (present.has(i)) continue;
      await api.start(await api.create(`${group.name}-${i}`, await groupBody(group, i, listen)));
    }
    const members = await membersOf(api, group.name);
    const verdicts = await Promise.all(
      members.map(async (member) => {
        if (member.State.Running !== true) await api.start(member.Id);
        return await waitHealthy(api, member.Id, { health: healthLabel(labelsOf(member)), deadline });
      }),
    );
    const sick = verdicts.find(({ healthy }) => !healthy);
    if (sick?.healthy === false) {
      throw engineHostError('ENGINE_HOST_REFUSED', `${group.name} is not healthy on ${group.image}: ${sick.reason}`);
    }
    return { name: group.name, front: await this.#frontOf(group.name, await membersOf(api, group.name)) };
  }

  /** The address written on the containers; a free port is chosen once and kept by its label. */
  async #listenFor(group: WorkloadGroup, before: readonly ContainerInspect[]): Promise<ListenAddress | undefined> {
    if (group.listen === undefined) return undefined;
    const written = before.map((member) => listenLabel(labelsOf(member))).find((found) => found !== undefined);
    const open = this.#fronts.get(group.name);
    if (open !== undefined || written !== undefined) return open?.address ?? written;
    const protocol = group.protocol ?? 'http';
    // Opened now, without backends: nobody can take the port while the containers start.
    const front = await createFront({ listen: group.listen, protocol });
    this.#fronts.set(group.name, front);
    return front.address;
  }

  async openFronts(): Promise<readonly LaunchedWorkload[]> {
    const api = await this.api();
    const names = new Set(
      (await api.list([Label.listen]))
        .map(({ Labels }) => Labels?.[Label.workload])
        .filter((name) => name !== undefined),
    );
    const opened: LaunchedWorkload[] = [];
    for (const name of names) opened.push({ name, front: await this.#frontOf(name, await membersOf(api, name)) });
    return opened;
  }

  /** @throws ENGINE_HOST_FRONT_ELSEWHERE another process owns the address that requests come to */
  async #ownFront(name: string): Promise<Front | undefined> {
    try {
      return await this.#frontOf(name, await membersOf(await this.api(), name));
    } catch (cause) {
      if (!isHeraklitError(cause, 'FRONT_LISTEN_FAILED')) throw cause;
      throw engineHostError('ENGINE_HOST_FRONT_ELSEWHERE', `the front of ${name} is not ours: ${cause.message}`, {
        cause,
        hint: 'The running heraklit that owns it rolls out: its fleet file names the image, and `heraklit rollout status` says who is at it.',
      });
    }
  }

  async rollout(...[request, signal]: Parameters<WorkloadRuntime['rollout']>): Promise<RolloutOutcome> {
    const api = await this.api();
    const front = await this.#ownFront(request.workload.name);
    const options = { grace: this.#options.grace ?? DEFAULT_GRACE, parallel: this.#options.parallel ?? 1 };
    return await rolloutOnEngine(api, front, request, options, signal);
  }

  async dismantle(name: string): Promise<void> {
    const api = await this.api();
    await this.#fronts.get(name)?.close(0);
    this.#fronts.delete(name);
    await Promise.all((await membersOf(api, name)).map(async ({ Id }) => await api.remove(Id)));
  }

  async debug(workload: Workload, request: DebugRequest, streams: DebugStreams, signal?: AbortSignal): Promise<number> {
    return await debugOnEngine(await this.api(), workload.name, request, streams, signal);
  }

  async reap(): Promise<number> {
    return await reapLeftovers(await this.scratch());
  }

  async close(): Promise<void> {
    for (const front of this.#fronts.values()) await front.close(0);
    this.#fronts.clear();
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.close();
  }
}

/** Podman or Docker through its API, here or elsewhere; for a podman of this host without a running service an own one is started. */
export function createEngineRuntime(options: EngineRuntimeOptions = {}): EngineRuntime {
  return new EngineHostRuntime(options);
}
