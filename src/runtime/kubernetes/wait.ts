import { isHeraklitError } from '../../base/index.ts';
import type { RolloutBlame } from '../strategy.ts';
import { isAway, kubernetesError } from './errors.ts';
import type { Follower } from './follower.ts';
import { containersOf, type Pod, pathOf, type WorkloadObject } from './objects.ts';
import type { RolloutStatus } from './rollout-status.ts';
import { disturbance, type Run, readRun, saveClaim, type Verdict } from './run.ts';
import { blamePods, crashLoop, podsWith, restartsOf } from './status.ts';

/** Times that copies may be ready and unready again before that is called flapping. */
const FLAPS = 3;
const DEFAULT_LOOKS = 2;
/**
 * Of copies that nothing probes: they are ready as soon as they run, and nodes say late that they do not run any more. One
 * that ends at once and is started again is seen as ready for a second or two.
 */
const UNPROBED_LOOKS = 6;

export interface Wait {
  /** Image that the workload itself has meanwhile: any other is somebody else's. */
  readonly image: string;
  /** Image of the copies that are waited for, and which pods to look among. */
  readonly candidate: string;
  readonly pods: string;
  /** How far they are, given the newest state of the workload. */
  readonly assess: (object: WorkloadObject) => Promise<RolloutStatus>;
  /** Ask the control whether it is revoked; not on the way back. */
  readonly obey: boolean;
  /** Healthy is no end: until this signal. */
  readonly hold?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

/** Pods of a label selector. */
export async function podsOf(run: Run, selector: string): Promise<readonly Pod[]> {
  return await run.client.list<Pod>(`${pathOf('Pod', run.namespace)}?labelSelector=${encodeURIComponent(selector)}`);
}

class Waiting {
  readonly #run: Run;
  readonly #wait: Wait;
  readonly #looks: number;
  #asked = 0;
  #renewed = performance.now();
  #good = 0;
  #goodAt = 0;
  #flaps = 0;
  #restarts = 0;
  #best = 0;
  #since = performance.now();
  #detail = 'nothing happened';
  #paused = false;
  #spec = '';
  #generation = 0;

  constructor(run: Run, wait: Wait, object: WorkloadObject) {
    this.#run = run;
    this.#wait = wait;
    const probed = containersOf(object).find(({ name }) => name === run.container)?.readinessProbe !== undefined;
    const looks = run.request.health?.successes ?? (probed ? DEFAULT_LOOKS : UNPROBED_LOOKS);
    // Where the cluster itself waits for minReadySeconds, what it calls available has stood the test.
    this.#looks = (object.spec?.minReadySeconds ?? 0) > 0 ? 1 : looks;
  }

  async look(latest: WorkloadObject): Promise<Verdict | undefined> {
    const { run, wait } = { run: this.#run, wait: this.#wait };
    let object = latest;
    if (this.#stale(object)) object = await readRun(run);
    const overtaken = disturbance(run, object, wait.image);
    if (overtaken !== undefined) return overtaken;
    const now = performance.now();
    const revoked = await this.#revoked(now);
    if (revoked !== undefined) return revoked;
    if (now - this.#renewed >= run.claim.every) {
      await saveClaim(run);
      this.#renewed = now;
    }
    this.#paused = object.spec?.paused === true;
    const status = await wait.assess(this.#asOfSpec(object));
    if (status.kind === 'stuck') return await this.#failed(status.reason, status.blame);
    if (status.kind === 'complete') return await this.#complete(now);
    return await this.#progressing(status, now);
  }

  /**
   * With the generation in which its spec became what it is. Later ones are of annotations alone, our own signs of life
   * above all: a controller that is slower than those would never be seen to have seen them.
   */
  #asOfSpec(object: WorkloadObject): WorkloadObject {
    const spec = JSON.stringify(object.spec);
    if (spec !== this.#spec) {
      this.#spec = spec;
      this.#generation = object.metadata.generation ?? 0;
    }
    return { ...object, metadata: { ...object.metadata, generation: this.#generation } };
  }

  /** A watch may be behind what we wrote ourselves: before such a state is judged, the server is asked. */
  #stale(object: WorkloadObject): boolean {
    try {
      return disturbance(this.#run, object, this.#wait.image) !== undefined;
    } catch {
      return true;
    }
  }

  async #revoked(now: number): Promise<Verdict | undefined> {
    const { control } = this.#run.request;
    if (!this.#wait.obey || control === undefined || now - this.#asked < this.#run.pace.look) return undefined;
    this.#asked = now;
    const revoked = await control.revoked();
    return revoked === undefined ? undefined : { kind: 'failed', reason: revoked.reason, blame: revoked.blame };
  }

  async #complete(now: number): Promise<Verdict | undefined> {
    this.#since = now;
    if (this.#wait.hold !== undefined) return undefined;
    if (this.#looks > 1) {
      if (this.#good > 0 && now - this.#goodAt < this.#run.pace.look) return undefined;
      const restarts = restartsOf(await this.#pods(), this.#run.container);
      if (this.#good > 0 && restarts > this.#restarts) this.#good = 0;
      this.#restarts = restarts;
      this.#goodAt = now;
    }
    this.#good += 1;
    return this.#good >= this.#looks ? { kind: 'healthy' } : undefined;
  }

  async #progressing(status: RolloutStatus & { kind: 'progressing' }, now: number): Promise<Verdict | undefined> {
    this.#detail = status.detail;
    // Our own sign of life is a new generation to a Deployment: until its controller has seen it, ready is not unready.
    if (status.unseen !== true) {
      if (this.#good > 0) this.#flaps += 1;
      this.#good = 0;
    }
    if (this.#flaps >= FLAPS) return await this.#failed(`became ready and unready again ${this.#flaps} times`, 'image');
    const crash = crashLoop(await this.#pods(), this.#run.container);
    if (crash !== undefined) return { kind: 'failed', ...crash };
    if (status.held === true) this.#since = now;
    if (status.done > this.#best) {
      this.#best = status.done;
      this.#since = now;
      this.#wait.progress?.(status.done, status.total);
    }
    return undefined;
  }

  async #pods(): Promise<readonly Pod[]> {
    return podsWith(await podsOf(this.#run, this.#wait.pods), this.#run.container, this.#wait.candidate);
  }

  async #failed(reason: string, blame: RolloutBlame): Promise<Verdict> {
    const seen = blamePods(await this.#pods(), this.#run.container, this.#wait.candidate);
    const whole = seen === undefined ? reason : `${reason}; ${seen.reason}`;
    return { kind: 'failed', reason: whole, blame: seen?.blame ?? blame } as const;
  }

  /** What it came to when nothing more comes. */
  async late(): Promise<Verdict | undefined> {
    const { deadline } = this.#run.request;
    if (performance.now() - this.#since < deadline) return undefined;
    const reason = `no progress for ${deadline} ms: ${this.#detail}`;
    if (this.#paused) return { kind: 'failed', reason, blame: 'operator' };
    return await this.#failed(reason, 'environment');
  }

  /** The cluster was away: that time does not count. */
  restart(): void {
    this.#since = performance.now();
  }
}

function awayTooLong({ kind, namespace, name, request }: Run, why: unknown): unknown {
  if (isHeraklitError(why, 'KUBERNETES_LOGIN_REFUSED')) return why;
  return kubernetesError(
    'KUBERNETES_UNAVAILABLE',
    `the cluster of ${kind} ${namespace}/${name} has not answered for ${request.deadline} ms; the rollout goes on when it is called again`,
  );
}

/**
 * Until the copies are healthy, fail, are revoked, or somebody else takes the workload over. A cluster that is away is
 * waited for as long as the deadline is. @throws KUBERNETES_UNAVAILABLE, KUBERNETES_LOGIN_REFUSED, KUBERNETES_WORKLOAD_MISSING, KUBERNETES_ROLLOUT_BUSY
 */
export async function awaitHealth(run: Run, follower: Follower, wait: Wait): Promise<Verdict> {
  let waiting: Waiting | undefined;
  let away: number | undefined;
  let why: unknown;
  for (;;) {
    await follower.next(run.pace.look, run.signal);
    if (wait.hold?.aborted === true) return { kind: 'healthy' };
    try {
      const object = follower.latest;
      if (object === undefined || follower.away > 0) {
        away ??= performance.now();
        why = follower.why;
      } else {
        waiting ??= new Waiting(run, wait, object);
        if (away !== undefined) waiting.restart();
        const verdict = (await waiting.look(object)) ?? (await waiting.late());
        away = undefined;
        if (verdict !== undefined) return verdict;
      }
    } catch (error) {
      if (!isAway(error)) throw error;
      away ??= performance.now();
      why = error;
    }
    if (away !== undefined && performance.now() - away > run.request.deadline) throw awayTooLong(run, why);
  }
}
