import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import { CANDIDATE, type TestStep } from '../../recipe/index.ts';
import { verifyError } from '../errors.ts';
import type { TestRunner, TestWorld } from '../runner/port.ts';
import type { PartLog, VerifyStep } from '../types.ts';
import { bad, type StepContext, type Verdict } from './conduct.ts';
import { collectLogs } from './logs.ts';
import { environmentOf, type PlannedPart, type TestPlan } from './plan.ts';
import { endingOf, waitCompleted, waitReady } from './readiness.ts';
import { redactorOf } from './redactor.ts';
import { nameOfStep } from './step-name.ts';
import { containerStep } from './steps/container.ts';
import { execStep } from './steps/exec.ts';
import { hostCommand } from './steps/host-command.ts';
import { httpStep } from './steps/http.ts';
import { logStep } from './steps/log.ts';
import { tcpStep } from './steps/tcp.ts';

export interface SuiteOptions {
  /** Where commands on this host run. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds it has to stay up after all else. */
  readonly stayUp?: number;
  /** Milliseconds until the end of a container is known. */
  readonly lag?: number;
}

export interface SuiteResult {
  readonly steps: readonly VerifyStep[];
  readonly logs: readonly PartLog[];
  /** Why the candidate could not be tested, where it is not to blame. */
  readonly environment: string | undefined;
}

/** Milliseconds a step has where it names no time of its own. */
const STEP_TIME = { http: 30_000, tcp: 30_000, log: 30_000, exec: 60_000, test: 120_000, run: 120_000 } as const;
const READY_TIME = 60_000;
/** Milliseconds between two looks whether it is still up. */
const STILL_UP = 200;
/** Milliseconds after the time of a test until what it made may be taken for left behind. */
const CLEANING = 60_000;

/** Errors of engine, cluster and network: the candidate has no part in them. */
const ENVIRONMENT = ['ENGINE_HOST_', 'KUBERNETES_', 'VERIFY_ENVIRONMENT'];

/** One run of a plan: what was started, what came of it. */
class SuiteRun {
  readonly #plan: TestPlan;
  readonly #options: SuiteOptions;
  readonly #world: TestWorld;
  readonly #over: AbortSignal;
  readonly #redact: (text: string) => string;
  readonly #started: PlannedPart[] = [];
  readonly #tests: string[] = [];
  readonly steps: VerifyStep[] = [];

  constructor(plan: TestPlan, options: SuiteOptions, world: TestWorld, over: AbortSignal) {
    this.#plan = plan;
    this.#options = options;
    this.#world = world;
    this.#over = over;
    this.#redact = redactorOf(plan);
  }

  /** Aborted when this much time has passed from now on, or the time of all of it. */
  #within(milliseconds: number): AbortSignal {
    return AbortSignal.any([this.#over, AbortSignal.timeout(milliseconds)]);
  }

  /** Runs it and keeps what it says. */
  async #step(name: string, kind: VerifyStep['kind'], work: () => Promise<Verdict>) {
    this.#options.signal?.throwIfAborted();
    const began = performance.now();
    const { problem, detail } = await work();
    this.#options.signal?.throwIfAborted();
    const over =
      problem !== undefined && this.#over.aborted ? `; all ${this.#plan.timeout / 1000} s of the test are over` : '';
    const said = this.#redact(`${problem ?? detail}${over}`.replace(/\s+/g, ' '));
    const milliseconds = performance.now() - began;
    this.steps.push({
      name,
      ...(kind === undefined ? {} : { kind }),
      passed: problem === undefined,
      detail: said,
      milliseconds,
    });
    return problem === undefined;
  }

  #context(signal: AbortSignal, watched: string): StepContext {
    return { world: this.#world, signal, inVain: async () => await this.#ending(watched, false) };
  }

  /** How a part has ended that should not have. */
  async #ending(name: string, fresh: boolean): Promise<string | undefined> {
    const state = await this.#world.state(name, fresh);
    const serves = this.#plan.parts.some(
      ({ part, ready }) => part.name === name && (ready !== undefined || part.ports.length > 0),
    );
    // What serves nothing may end, well.
    if (state.kind !== 'ended' || (!serves && state.exitCode === 0)) return undefined;
    return await endingOf({ world: this.#world }, name);
  }

  async #awaitNeeds({ part, needs }: PlannedPart, signal: AbortSignal): Promise<Verdict | undefined> {
    for (const [need, condition] of Object.entries(needs)) {
      if (condition !== 'completed') continue;
      const verdict = await waitCompleted(this.#context(signal, need), need);
      if (verdict.problem !== undefined) return bad(`${part.name} needs ${need} to complete: ${verdict.problem}`);
    }
    return undefined;
  }

  /** @returns false when the candidate failed @throws VERIFY_ENVIRONMENT for what it depends on */
  async #bringUp(planned: PlannedPart): Promise<boolean> {
    const { part, ready } = planned;
    const own = part.name === CANDIDATE;
    const time = ready?.within === undefined ? Math.min(READY_TIME, this.#plan.timeout) : ready.within * 1000;
    const name = own ? 'start' : `service ${part.name}`;
    let blame: 'part' | 'environment' = 'part';
    const fine = await this.#step(name, undefined, async () => {
      const waited = await this.#awaitNeeds(planned, this.#within(time));
      if (waited !== undefined) {
        blame = 'environment';
        return waited;
      }
      const started = await this.#world.start(part, this.#over);
      this.#started.push(planned);
      if (started.kind === 'refused') {
        blame = started.blame;
        return bad(started.reason);
      }
      // Its time begins now: what a pull takes says nothing about it.
      return await waitReady(this.#context(this.#within(time), part.name), planned);
    });
    if (fine || (own && blame === 'part')) return fine;
    const { detail } = this.steps.at(-1) as VerifyStep;
    throw verifyError(
      'VERIFY_ENVIRONMENT',
      `${own ? 'the candidate cannot be started' : `the service ${part.name} is not ready`}: ${detail}`,
      {
        hint: own
          ? 'Look at the engine that runs the tests.'
          : 'Try the service by itself: its image, its settings, its check.',
      },
    );
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: this.#over }).catch(() => {});
  }

  /** A dependency that ended meanwhile is to blame for what fails from then on. */
  async #blameServices(): Promise<void> {
    await this.#pause(this.#options.lag ?? 0);
    for (const { part } of this.#started) {
      if (part.name === CANDIDATE) continue;
      const mayEnd = this.#plan.parts.some(({ needs }) => needs[part.name] === 'completed');
      const state = await this.#world.state(part.name, true);
      if (state.kind !== 'ended' || mayEnd) continue;
      const ending = await endingOf({ world: this.#world }, part.name);
      throw verifyError('VERIFY_ENVIRONMENT', `a service ended during the tests: ${this.#redact(ending ?? part.name)}`);
    }
  }

  async #perform(step: TestStep, index: number, signal: AbortSignal): Promise<Verdict> {
    const { http, tcp, exec, log, test, run } = step;
    const context = this.#context(signal, CANDIDATE);
    const candidate = this.#plan.parts.find(({ part }) => part.name === CANDIDATE)?.part;
    if (http !== undefined) return await httpStep(context, http, candidate?.ports[0]);
    if (tcp !== undefined) return await tcpStep(context, tcp);
    if (exec !== undefined) return await execStep(context, exec);
    if (log !== undefined) return await logStep(context, log);
    const container = this.#plan.tests.get(index);
    if (container !== undefined) {
      this.#tests.push(container.name);
      const refused = (reason: string) => verifyError('VERIFY_ENVIRONMENT', reason);
      return await containerStep(context, container, test?.status ?? 0, refused);
    }
    const { command, environment } = run as NonNullable<TestStep['run']>;
    const { folder } = this.#options;
    return await hostCommand(
      { command, folder, environment: { ...environmentOf(environment), ...(await this.#addresses()) } },
      signal,
    );
  }

  /** Where a command on this host finds everything. */
  async #addresses(): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for (const { part } of this.#started) {
      const [port] = part.ports;
      if (port === undefined) continue;
      const address = await this.#world.address(part.name, port);
      const name = part.name.toUpperCase().replaceAll('-', '_');
      found[`HERAKLIT_${name}_ADDRESS`] = address;
      found[`HERAKLIT_${name}_URL`] = `http://${address}`;
    }
    return found;
  }

  async #allSteps(): Promise<void> {
    for (const [index, step] of this.#plan.steps.entries()) {
      const { kind, name } = nameOfStep(step);
      const time = step.within === undefined ? STEP_TIME[kind] : step.within * 1000;
      const fine = await this.#step(name, kind, async () => await this.#perform(step, index, this.#within(time)));
      if (fine) continue;
      await this.#blameServices();
      if (this.#over.aborted || (await this.#ending(CANDIDATE, true)) !== undefined) return;
    }
  }

  async run(): Promise<void> {
    for (const planned of this.#plan.parts) {
      if (await this.#bringUp(planned)) continue;
      await this.#blameServices();
      return;
    }
    await this.#allSteps();
    // A candidate that answered and then fell is no candidate.
    await this.#step('still up', undefined, async () => {
      const { stayUp = 0, lag = 0 } = this.#options;
      const enough = Date.now() + Math.max(stayUp, lag);
      for (;;) {
        const problem = await this.#ending(CANDIDATE, true);
        if (problem !== undefined || Date.now() >= enough || this.#over.aborted) {
          return { problem, detail: 'it did not end' };
        }
        await this.#pause(STILL_UP);
      }
    });
  }

  async logs(): Promise<readonly PartLog[]> {
    const names = [...this.#started.map(({ part }) => part.name), ...this.#tests];
    return await collectLogs(this.#world, names, this.#redact);
  }
}

const isEnvironment = (error: unknown): boolean =>
  isHeraklitError(error) && ENVIRONMENT.some((code) => error.code.startsWith(code));

/**
 * Starts what a plan names in an isolated network, asks what it asks, and removes everything again.
 * What fails because of a dependency, the engine or the cluster is told as `environment`, not as a failed candidate.
 */
export async function runSuite(plan: TestPlan, runner: TestRunner, options: SuiteOptions): Promise<SuiteResult> {
  const users = plan.steps.map(({ exec }) => exec?.user).filter((user) => user !== undefined);
  runner.check?.([...plan.parts.map(({ part }) => part), ...plan.tests.values()], users);
  const run = randomUUID().slice(0, 12);
  const time = AbortSignal.timeout(plan.timeout);
  const over = options.signal === undefined ? time : AbortSignal.any([time, options.signal]);
  let world: TestWorld;
  try {
    world = await runner.open({ run, deadline: Date.now() + plan.timeout + CLEANING });
  } catch (error) {
    if (!isEnvironment(error)) throw error;
    return { steps: [], logs: [], environment: messageOf(error) };
  }
  const lag = runner.lag === undefined ? {} : { lag: runner.lag };
  const suite = new SuiteRun(plan, { ...options, ...lag }, world, over);
  let environment: string | undefined;
  let logs: readonly PartLog[] = [];
  try {
    await suite.run();
  } catch (error) {
    options.signal?.throwIfAborted();
    // What was aborted because the time is over is told as such.
    if (!isEnvironment(error) && !time.aborted) throw error;
    environment = time.aborted ? `all ${plan.timeout / 1000} s are over: ${messageOf(error)}` : messageOf(error);
  } finally {
    logs = await suite.logs().catch(() => []);
    await world.close();
  }
  return { steps: suite.steps, logs, environment };
}
