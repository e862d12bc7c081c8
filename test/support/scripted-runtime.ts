/** A runtime that does as it is told: what rollouts do with it is what is tested. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../src/oci/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from '../../src/runtime/index.ts';

export interface ScriptedWorkload {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: Workload['kind'];
}

const MILLISECONDS = 1;

export class ScriptedRuntime implements WorkloadRuntime {
  readonly name: string;
  readonly running = new Map<string, { readonly image: string; readonly digest: Digest }>();
  /** `WORKLOAD WHAT` in order: `begin`, `step 1/2`, `rolledout`, `rolledback`. */
  readonly log: string[] = [];
  /** Digests that do not become healthy. */
  readonly bad = new Set<Digest>();
  /** Milliseconds that a change takes; revocation is asked about meanwhile. */
  delay = 0;
  away: string | undefined;
  /** Called at moments of a change; what it throws ends the call, as a killed process would. */
  moment: (what: string) => void = () => undefined;
  readonly #workloads: readonly ScriptedWorkload[];

  constructor(name: string, workloads: readonly ScriptedWorkload[], image: string, digest: Digest) {
    this.name = name;
    this.#workloads = workloads;
    for (const { id } of workloads) this.running.set(id, { image, digest });
  }

  async unavailable() {
    return this.away;
  }

  async list(): Promise<readonly Workload[]> {
    return this.#workloads.map((workload) => {
      const { image, digest } = this.running.get(workload.id) as { image: string; digest: Digest };
      return { ...workload, image, digest, containers: [{ name: 'main', image, digest }], replicas: 1 };
    });
  }

  async rollout(request: RolloutRequest, signal?: AbortSignal): Promise<RolloutOutcome> {
    const { workload, image, digest, control, strategy } = request;
    const { id } = workload;
    const from = this.running.get(id)?.image ?? '';
    const base = { workload: id, from, to: image, interrupted: false, milliseconds: MILLISECONDS };
    if (this.running.get(id)?.digest === digest) return { kind: 'unchanged', workload: id, to: image };
    this.#note(`${workload.name} begin`);
    const back = (reason: string, blame: 'image' | 'operator' | 'environment'): RolloutOutcome => {
      this.#note(`${workload.name} rolledback`);
      return { kind: 'rolledback', reason, blame, ...base };
    };
    const steps = strategy?.kind === 'canary' ? strategy.steps : [];
    for (const [index, { weight, pause }] of steps.entries()) {
      this.#note(`${workload.name} step ${index + 1}/${steps.length}`);
      const sides = { before: { image: from, members: ['old'] }, after: { image, members: ['new'] } };
      const step = { index, count: steps.length, weight, ...sides, ...(pause === undefined ? {} : { pause }) };
      const verdict = await control?.stepReached(step, signal);
      if (verdict?.kind === 'back') return back(verdict.reason, verdict.blame);
      if (verdict?.kind === 'promote') break;
    }
    for (let waited = 0; waited < this.delay; waited += 5) {
      const revoked = await control?.revoked();
      if (revoked !== undefined) return back(revoked.reason, revoked.blame);
      await sleep(5, undefined, { signal });
    }
    if (this.bad.has(digest)) return back('it ended with exit code 3', 'image');
    this.running.set(id, { image, digest });
    this.#note(`${workload.name} rolledout`);
    return { kind: 'rolledout', ...base };
  }

  async close() {}

  #note(what: string): void {
    this.log.push(what);
    this.moment(what);
  }
}
