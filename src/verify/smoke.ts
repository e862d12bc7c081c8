import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError, messageOf } from '../base/index.ts';
import {
  addressOf,
  askHttp,
  askTcp,
  type ContainerInspect,
  type CreateBody,
  type EngineApi,
  type EngineRuntime,
  hostUlimits,
  lastWords,
  ownerLabels,
  type ScratchApi,
} from '../runtime/index.ts';
import type { Candidate, Problem, VerifyOptions } from './types.ts';

/** Adds a step: `work` resolves to what is wrong or, as `detail`, to what was found. */
export type AddStep = (
  name: string,
  work: () => Promise<{ readonly problem: Problem; readonly detail: string }>,
) => Promise<boolean>;

const STAY_UP = 2000;
const TIMEOUT = 60;
const POLL = 100;
/** Milliseconds after its deadline until what a test made may be taken for left behind. */
const CLEANING = 60_000;
const good = (detail: string): { problem: undefined; detail: string } => ({ problem: undefined, detail });
const bad = (problem: string): { problem: string; detail: string } => ({ problem, detail: '' });

/** `80/tcp` and plain `80`, in order; UDP cannot be asked whether it is there. */
export function exposedPorts(candidate: Candidate): readonly number[] {
  return Object.keys(candidate.image.config.config?.ExposedPorts ?? {})
    .filter((port) => /^\d+(?:\/tcp)?$/.test(port))
    .map((port) => Number.parseInt(port, 10));
}

async function until(deadline: number, ask: () => Promise<Problem>): Promise<Problem> {
  for (;;) {
    const problem = await ask();
    if (problem === undefined || Date.now() >= deadline) return problem;
    await sleep(POLL);
  }
}

/** Containers of one verification: labelled with their owner, removed at the end, or by the next process after a crash. */
class Scratch {
  readonly #api: EngineApi;
  readonly #reference: string;
  readonly #scratch: ScratchApi;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #made: string[] = [];

  constructor(api: EngineApi, scratch: ScratchApi, reference: string, labels: Readonly<Record<string, string>>) {
    this.#api = api;
    this.#scratch = scratch;
    this.#reference = reference;
    this.#labels = labels;
  }

  async start(ports: readonly number[], command?: readonly string[]): Promise<string> {
    const [first, ...rest] = command ?? [];
    const bindings = ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]);
    const body: CreateBody = {
      Image: this.#reference,
      Labels: this.#labels,
      ...(first === undefined ? {} : { Entrypoint: [first], Cmd: rest }),
      ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])) }),
      HostConfig: {
        // Nothing is asked over the network: then there is none.
        NetworkMode: ports.length === 0 ? 'none' : 'bridge',
        PortBindings: Object.fromEntries(bindings),
        Ulimits: await hostUlimits(),
      },
    };
    const id = await this.#api.create(`heraklit-verify-${randomUUID().slice(0, 12)}`, body);
    this.#made.push(id);
    await this.#api.start(id);
    return id;
  }

  async close(): Promise<void> {
    for (const id of this.#made.splice(0)) await this.#scratch.removeContainer(id).catch(() => {});
  }
}

const ended = ({ State }: ContainerInspect): boolean => ['exited', 'dead', 'stopped'].includes(State.Status ?? '');

async function staysUp(api: EngineApi, id: string, stayUp: number, serves: boolean) {
  const enough = Date.now() + stayUp;
  for (;;) {
    const container = await api.inspect(id);
    if (container === undefined) return bad('its container is gone');
    if (ended(container)) {
      const zero = container.State.ExitCode === 0;
      return zero && !serves ? good('ended with exit code 0') : bad(await lastWords(api, container));
    }
    if (Date.now() >= enough) return good(`up for ${stayUp} ms`);
    await sleep(POLL);
  }
}

/** A command of the fleet file in a container of its own: exit code 0 in time. */
async function runCommand(api: EngineApi, scratch: Scratch, command: readonly string[], deadline: number) {
  const id = await scratch.start([], command);
  for (;;) {
    const container = await api.inspect(id);
    if (container === undefined) return bad('its container is gone');
    if (ended(container))
      return container.State.ExitCode === 0 ? good('exit code 0') : bad(await lastWords(api, container));
    if (Date.now() >= deadline) return bad('it does not end in time');
    await sleep(POLL);
  }
}

async function portsAnswer(api: EngineApi, id: string, ports: readonly number[], deadline: number) {
  const container = (await api.inspect(id)) as ContainerInspect;
  const problem = await until(deadline, async () => {
    const problems = await Promise.all(
      ports.map(async (port) => {
        const address = addressOf(container, port);
        return address === undefined ? `port ${port} is not published` : await askTcp(address);
      }),
    );
    // Images expose ports they only open when configured to: one that answers is enough.
    return problems.includes(undefined) ? undefined : problems.join('; ');
  });
  return problem === undefined ? good(ports.join(', ')) : bad(problem);
}

/** Pulls, starts, watches and asks the candidate. Resolves to why the engine could not even try, if so. */
export async function smokeTest(
  candidate: Candidate,
  reference: string,
  options: VerifyOptions,
  runtime: EngineRuntime,
  step: AddStep,
): Promise<Problem> {
  const { checks = {} } = options;
  const deadline = Date.now() + (checks.timeout ?? TIMEOUT) * 1000;
  const api = await runtime.api();
  const scratch = new Scratch(api, await runtime.scratch(), reference, await ownerLabels(deadline + CLEANING));
  const exposed = exposedPorts(candidate);
  const ports = [...new Set([...exposed, ...(checks.http === undefined ? [] : [checks.http.port])])];
  try {
    if ((await api.image(reference)) === undefined) await api.pull(reference, options.signal);
    let id = '';
    const started = await step('start', async () => {
      try {
        id = await scratch.start(ports);
        return good(`${api.engine} started it`);
      } catch (error) {
        if (!isHeraklitError(error, 'ENGINE_HOST_REFUSED')) throw error;
        return bad(messageOf(error));
      }
    });
    if (!started) return undefined;
    const up = await step('stay up', async () => await staysUp(api, id, options.stayUp ?? STAY_UP, ports.length > 0));
    if (!up) return undefined;
    if (exposed.length > 0) await step('ports', async () => await portsAnswer(api, id, exposed, deadline));
    const { http } = checks;
    if (http !== undefined) {
      const { path = '/', port, status } = http;
      await step(`http ${port}${path}`, async () => {
        const address = addressOf((await api.inspect(id)) as ContainerInspect, port);
        if (address === undefined) return bad(`port ${port} cannot be reached`);
        const problem = await until(deadline, async () => await askHttp(address, path, status));
        return problem === undefined ? good(`answers ${status ?? '2xx or 3xx'}`) : bad(problem);
      });
    }
    for (const command of checks.commands ?? []) {
      await step(`command ${command.join(' ')}`, async () => await runCommand(api, scratch, command, deadline));
    }
    return undefined;
  } catch (error) {
    if (isHeraklitError(error, 'ENGINE_HOST_PULL_FAILED', 'ENGINE_HOST_UNAVAILABLE')) return messageOf(error);
    throw error;
  } finally {
    await scratch.close();
  }
}
