import {
  CANDIDATE,
  type ContainerStep,
  type TestEnvironment,
  type TestLimits,
  type TestReady,
  type TestStep,
  type TestSuite,
} from '../../recipe/index.ts';
import type { Part, PartLimits, PartMount } from '../runner/port.ts';

export type Condition = 'started' | 'ready' | 'completed';

/** A container of the test, what it waits for, and how it is known to be ready. */
export interface PlannedPart {
  readonly part: Part;
  readonly needs: Readonly<Record<string, Condition>>;
  readonly ready: TestReady | undefined;
}

/** A test as it is carried out: everything decided that the settings leave open. */
export interface TestPlan {
  /** In an order in which each comes after what it needs; the candidate is the last but for what needs it. */
  readonly parts: readonly PlannedPart[];
  readonly steps: readonly TestStep[];
  /** Milliseconds. */
  readonly timeout: number;
  /** The containers of `test` steps, by the index of their step. */
  readonly tests: ReadonlyMap<number, Part>;
}

/** What a container of a suite says, whichever form it was written in. */
export interface PartSettings {
  readonly image: string;
  readonly command?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly environment?: TestEnvironment | undefined;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly tmpfs?: readonly string[] | undefined;
  readonly volumes?: readonly string[] | undefined;
  readonly limits?: TestLimits | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly aliases?: readonly string[] | undefined;
}

export interface PlanInputs {
  /** Where the engine pulls the candidate from. */
  readonly candidate: string;
  readonly exposed: readonly number[];
  /** Name of a fleet's image or a reference → what the engine pulls. @throws VERIFY_TESTS_INVALID */
  readonly resolve: (image: string) => string;
  /** A path as written → a folder of the host. @throws VERIFY_TESTS_INVALID where that is not allowed */
  readonly hostFolder: (path: string) => string;
}

const TIMEOUT = 300;
const SECOND = 1_000;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `512MiB`, `512m`, `1g`: units of 1024, as engines read them. */
export function bytesOf(size: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)i?b?$/i.exec(size);
  return Math.floor(Number(match?.[1]) * (UNITS[(match?.[2] ?? '').toLowerCase()] ?? 1));
}

export function limitsOf(own: TestLimits | undefined, shared: PartLimits): PartLimits {
  if (own === undefined) return shared;
  return {
    ...shared,
    ...(own.memory === undefined ? {} : { memory: bytesOf(own.memory) }),
    ...(own.cpus === undefined ? {} : { cpus: own.cpus }),
    ...(own.pids === undefined ? {} : { pids: own.pids }),
  };
}

export const environmentOf = (environment: TestEnvironment = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));

function mountOf(text: string, inputs: PlanInputs): PartMount {
  const [source = '', path = '', mode] = text.split(':');
  const host = /^[/.~]/.test(source);
  const name = host ? inputs.hostFolder(source) : source.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  return { path, readOnly: mode === 'ro', source: { kind: host ? 'host' : 'volume', name } };
}

export function partOf(name: string, settings: PartSettings, inputs: PlanInputs, shared: PartLimits): Part {
  const { image, command, entrypoint, user, workdir } = settings;
  return {
    name,
    aliases: settings.aliases ?? [],
    image: name === CANDIDATE ? inputs.candidate : inputs.resolve(image),
    ...(command === undefined ? {} : { command }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir }),
    environment: environmentOf(settings.environment),
    ports: settings.ports ?? [],
    tmpfs: settings.tmpfs ?? [],
    mounts: (settings.volumes ?? []).map((text) => mountOf(text, inputs)),
    limits: limitsOf(settings.limits, shared),
  };
}

const readyPorts = (ready: TestReady | undefined): readonly number[] =>
  [ready?.tcp, ready?.http?.port].filter((port) => port !== undefined);

/** Ports that steps connect to, by the name they ask. */
function askedPorts(steps: readonly TestStep[], name: string): readonly number[] {
  return steps.flatMap(({ http, tcp }) => {
    const step = http ?? tcp;
    return step?.port === undefined || (step.service ?? CANDIDATE) !== name ? [] : [step.port];
  });
}

/** Each after what it needs; otherwise as written. */
export function inOrder(parts: readonly PlannedPart[]): readonly PlannedPart[] {
  const byName = new Map(parts.map((one) => [one.part.name, one]));
  const ordered = new Set<PlannedPart>();
  const visit = (one: PlannedPart): void => {
    if (ordered.has(one)) return;
    for (const need of Object.keys(one.needs)) {
      const needed = byName.get(need);
      if (needed !== undefined) visit(needed);
    }
    ordered.add(one);
  };
  for (const one of parts) visit(one);
  return [...ordered];
}

/** The old words as steps: `http`, and each of `commands` in a container of its own. */
function allSteps({ http, commands = [], steps = [] }: TestSuite): readonly TestStep[] {
  return [
    ...(http === undefined ? [] : [{ http }]),
    ...commands.map((command): TestStep => ({ test: { entrypoint: command } })),
    ...steps,
  ];
}

/** Pure: a suite and where its images come from → what is started and asked. */
export function planOf(suite: TestSuite, inputs: PlanInputs): TestPlan {
  const steps = allSteps(suite);
  const shared = limitsOf(suite.limits, {});
  const services = Object.entries(suite.services ?? {}).map(([name, service]): PlannedPart => {
    const ports = [...new Set([...readyPorts(service.ready), ...askedPorts(steps, name)])];
    return {
      part: partOf(name, { ...service, ports }, inputs, shared),
      needs: Object.fromEntries((service.needs ?? []).map((need) => [need, 'ready'])),
      ready: service.ready,
    };
  });
  const { candidate = {} } = suite;
  const ports = [
    ...(candidate.ports ?? []),
    ...inputs.exposed,
    ...readyPorts(candidate.ready),
    ...askedPorts(steps, CANDIDATE),
  ];
  const settings = { ...candidate, image: '', ports: [...new Set(ports)] };
  const under: PlannedPart = {
    part: partOf(CANDIDATE, settings, inputs, shared),
    needs: Object.fromEntries(services.map(({ part }) => [part.name, 'ready'])),
    ready: candidate.ready,
  };
  const tests = new Map<number, Part>();
  for (const [index, { test }] of steps.entries()) {
    if (test !== undefined) tests.set(index, testPart(index, test, inputs, shared));
  }
  return { parts: inOrder([...services, under]), steps, timeout: (suite.timeout ?? TIMEOUT) * SECOND, tests };
}

/** Of the candidate's own image where it names none. */
function testPart(index: number, test: ContainerStep, inputs: PlanInputs, shared: PartLimits): Part {
  const image = test.image === undefined ? inputs.candidate : inputs.resolve(test.image);
  return { ...partOf(`test-${index + 1}`, { ...test, image }, { ...inputs, resolve: () => image }, shared) };
}
