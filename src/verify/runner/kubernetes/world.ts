import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../../base/index.ts';
import type { ClusterPods, ObservedPod } from '../../../runtime/index.ts';
import { verifyError } from '../../errors.ts';
import type { Part, PartState, StartResult, TestWorld, WorldRequest } from '../port.ts';
import { jobBody, policyBody, type TestPlacement } from './job-body.ts';
import { isReady, type PodState, podStateOf } from './pod-state.ts';

/** Milliseconds between two looks at a pod, and for which a look is good. */
const LOOK_EVERY = 250;
/** Milliseconds a cluster gets to find a node, by adding one perhaps, and to make a pod of a Job. */
const SCHEDULING = 120_000;
const POD_MADE = 30_000;
/** Tries of a stream into a pod that runs. */
const STREAM_TRIES = 3;

interface Running {
  readonly job: string;
  readonly part: Part;
  pod: ObservedPod | undefined;
  seen: number;
  /** Its first port has been open at the pod's own address. */
  open: boolean;
}

const environment = (what: string, why: string, hint: string): Error =>
  verifyError('VERIFY_ENVIRONMENT', `${what}: ${why}`, { hint });

const notStarted = (name: string, why: string): Error =>
  environment(
    `the cluster did not start ${name}`,
    why,
    'Look at Jobs and pods of the namespace, its quotas and policies, room on its nodes, and where they pull from.',
  );

const refusedPort = (name: string, port: number): Error =>
  Object.assign(new Error(`connect ECONNREFUSED port ${port} of ${name}`), { code: 'ECONNREFUSED' });

/** A test in a namespace: a Job with one pod for each part, found by name, behind a NetworkPolicy of their own. */
export class ClusterWorld implements TestWorld {
  readonly #pods: ClusterPods;
  readonly #run: string;
  readonly #prefix: string;
  readonly #deadline: number;
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #placement: TestPlacement;
  readonly #parts = new Map<string, Running>();
  readonly #listeners = new Map<string, { readonly server: Server; readonly sockets: Set<Socket> }>();

  constructor(
    pods: ClusterPods,
    { run, deadline }: WorldRequest,
    annotations: Readonly<Record<string, string>>,
    placement: TestPlacement,
  ) {
    this.#pods = pods;
    this.#run = run;
    this.#prefix = `heraklit-test-${run}`;
    this.#deadline = deadline;
    this.#annotations = annotations;
    this.#placement = placement;
  }

  /** Before anything runs, so that nothing runs without it. */
  async isolate(): Promise<void> {
    const body = policyBody(this.#prefix, this.#run, this.#annotations);
    await this.#pods.create('NetworkPolicy', body, AbortSignal.timeout(LOOK_EVERY * 240));
  }

  #hosts(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      [...this.#parts.values()].flatMap(({ part, pod }) => {
        const ip = pod?.status?.podIP;
        return ip === undefined ? [] : [[ip, [part.name, ...part.aliases]] as const];
      }),
    );
  }

  async start(part: Part, signal: AbortSignal): Promise<StartResult> {
    const first = this.#parts.size === 0;
    // Names of Jobs go into labels: 63 characters.
    const job = `${this.#prefix}-${part.name.slice(0, 30)}${part.name.length > 30 ? `-${this.#parts.size}` : ''}`;
    const seconds = Math.max(1, Math.ceil((this.#deadline - Date.now()) / 1000));
    const request = { name: job, run: this.#run, part, hosts: this.#hosts(), seconds, placement: this.#placement };
    const running: Running = { job, part, pod: undefined, seen: 0, open: false };
    this.#parts.set(part.name, running);
    const uid = await this.#pods.create('Job', jobBody({ ...request, annotations: this.#annotations }), signal);
    if (first) await this.#pods.ownedBy('NetworkPolicy', this.#prefix, { name: job, uid });
    return await this.#started(running, signal);
  }

  async #started(running: Running, signal: AbortSignal): Promise<StartResult> {
    const { name } = running.part;
    const began = Date.now();
    for (;;) {
      const state = await this.#look(running, 0);
      if (state.kind === 'running' || state.kind === 'ended') return { kind: 'started' };
      if (state.kind === 'refused') return state;
      const waited = Date.now() - began;
      // The Job controller makes the pod; until then there is none to lose.
      if (state.kind === 'lost' && (running.pod !== undefined || waited > POD_MADE)) {
        throw notStarted(name, running.pod === undefined ? await this.#whyNoPod(running) : state.reason);
      }
      if (signal.aborted || (state.kind === 'unschedulable' && waited > SCHEDULING)) {
        throw notStarted(name, `not in time: ${'detail' in state ? state.detail : await this.#whyNoPod(running)}`);
      }
      await sleep(LOOK_EVERY, undefined, { signal }).catch(() => {});
    }
  }

  async #whyNoPod({ job }: Running): Promise<string> {
    return (await this.#pods.whyNoPod(job)) ?? 'its Job has no pod';
  }

  #running(name: string): Running {
    const found = this.#parts.get(name);
    if (found === undefined) throw new TypeError(`${name} was not started`);
    return found;
  }

  async #look(running: Running, goodFor: number): Promise<PodState> {
    if (Date.now() - running.seen >= goodFor) {
      running.pod =
        (await this.#pods.podOf(running.job)) ?? (running.pod === undefined ? undefined : gone(running.pod));
      running.seen = Date.now();
      running.open ||= isReady(running.pod);
    }
    return podStateOf(running.pod, running.part.limits.memory);
  }

  async state(name: string, fresh = false): Promise<PartState> {
    const state = await this.#look(this.#running(name), fresh ? 0 : LOOK_EVERY);
    if (state.kind === 'lost' || state.kind === 'unschedulable') {
      const why = state.kind === 'lost' ? state.reason : state.detail;
      throw environment(`the cluster took ${name} away`, why, 'Try again; the image is not to blame.');
    }
    if (state.kind === 'refused') return { kind: 'ended', exitCode: -1, detail: state.reason };
    return state;
  }

  #podName(name: string): string {
    const found = this.#running(name).pod?.metadata.name;
    if (found === undefined) throw refusedPort(name, 0);
    return found;
  }

  /** A stream that a node does not open to a container that runs is the cluster's fault; else the container has ended. */
  async #stream<T>(name: string, open: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await open();
      } catch (error) {
        if (!isHeraklitError(error, 'KUBERNETES_STREAM_FAILED')) throw error;
        const state = await this.#look(this.#running(name), 0);
        if (state.kind === 'ended') return undefined;
        if (attempt >= STREAM_TRIES) throw error;
        await sleep(LOOK_EVERY * attempt);
      }
    }
  }

  async connect(name: string, port: number, signal: AbortSignal, sure = false): Promise<Duplex> {
    const running = this.#running(name);
    const probed = running.part.ports[0] === port;
    if (probed && !running.open) {
      await this.#look(running, LOOK_EVERY);
      if (!running.open) throw refusedPort(name, port);
    }
    const pod = this.#podName(name);
    const open = async (): Promise<Duplex> => await this.#pods.connect(pod, port, sure && !probed, signal);
    const socket = await this.#stream(name, open);
    if (socket === undefined) throw refusedPort(name, port);
    return socket;
  }

  /** A port of this host that leads there, for commands that run here. */
  async address(name: string, port: number): Promise<string> {
    const key = `${name}:${port}`;
    const known = this.#listeners.get(key);
    if (known !== undefined) return addressOf(known.server);
    const sockets = new Set<Socket>();
    const ended = new AbortController();
    const server = createServer({ allowHalfOpen: true }, (near) => {
      sockets.add(near);
      near.once('close', () => sockets.delete(near));
      near.on('error', () => near.destroy());
      this.connect(name, port, ended.signal).then(
        (far) => {
          far.on('error', () => near.destroy());
          near.once('close', () => far.destroy());
          near.pipe(far, { end: false });
          far.pipe(near);
        },
        () => near.destroy(),
      );
    });
    server.once('close', () => ended.abort());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    this.#listeners.set(key, { server, sockets });
    return addressOf(server);
  }

  async exec(...[name, command, options]: Parameters<TestWorld['exec']>) {
    const pod = this.#podName(name);
    const ran = await this.#stream(name, async () => await this.#pods.exec(pod, name, command, options));
    return ran ?? { exitCode: -1, stdout: '', stderr: 'its container has ended', truncated: false };
  }

  async output(name: string, keep: number) {
    const pod = this.#running(name).pod?.metadata.name;
    if (pod === undefined) return { stdout: '', stderr: '', truncated: false };
    const { text, truncated } = await this.#pods.log(pod, name, keep);
    return { stdout: text, stderr: '', truncated };
  }

  async close(): Promise<void> {
    for (const { server, sockets } of this.#listeners.values()) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    for (const { job } of [...this.#parts.values()].reverse()) await this.#pods.remove('Job', job).catch(() => {});
    await this.#pods.remove('NetworkPolicy', this.#prefix).catch(() => {});
  }
}

/** As it was, but on its way out. */
const gone = (pod: ObservedPod): ObservedPod => ({
  ...pod,
  status: { reason: 'Terminated', message: 'its pod is gone' },
});

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
