import type { Problem } from './problems.ts';
import { CANDIDATE, cycleIn } from './test-problems.ts';

type Strings = string | readonly string[];
type Scalars = Readonly<Record<string, string | number | boolean>>;

/** What tests understand of a compose file (https://github.com/compose-spec/compose-spec/blob/main/spec.md). */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly networks?: Readonly<Record<string, unknown>>;
}

export interface ComposeService {
  readonly image?: string;
  readonly build?: unknown;
  readonly command?: Strings | null;
  readonly entrypoint?: Strings | null;
  readonly environment?: readonly string[] | Scalars;
  readonly user?: string;
  readonly working_dir?: string;
  readonly container_name?: string;
  readonly hostname?: string;
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: ComposeCondition }>>;
  readonly healthcheck?: ComposeHealthcheck;
  readonly ports?: readonly ComposePort[];
  readonly expose?: readonly ComposePort[];
  readonly volumes?: readonly ComposeVolume[];
  readonly tmpfs?: Strings;
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly mem_limit?: string | number;
  readonly cpus?: number | string;
  readonly pids_limit?: number;
}

export type ComposeCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';
export type ComposePort = number | string | { readonly target: number };
export type ComposeVolume =
  | string
  | {
      readonly type: 'volume' | 'bind' | 'tmpfs';
      readonly source?: string;
      readonly target: string;
      readonly read_only?: boolean;
    };

export interface ComposeHealthcheck {
  readonly test?: Strings;
  readonly interval?: string;
  readonly timeout?: string;
  readonly start_period?: string;
  readonly retries?: number;
  readonly disable?: boolean;
}

/** Services that one names in `depends_on`. */
export const dependenciesOf = ({ depends_on: named = [] }: ComposeService): readonly string[] =>
  Array.isArray(named) ? (named as readonly string[]) : Object.keys(named);

const problem = (path: readonly (string | number)[], message: string): Problem => ({ path, atKey: false, message });

/** Variables are not taken from the environment of whoever runs the tests: the same file means the same everywhere. */
const VARIABLE = /(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)(:?-[^}]*)?[^}]*\}|([A-Za-z_]\w*))/;

function variableProblems(path: readonly (string | number)[], value: unknown): readonly Problem[] {
  if (typeof value === 'string') {
    const found = VARIABLE.exec(value);
    if (found === null || found[2] !== undefined) return [];
    return [
      problem(
        path,
        `the variable ${found[1] ?? found[3]} has no default: write \${${found[1] ?? found[3]}:-VALUE}, or $$ for a $`,
      ),
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    variableProblems([...path, Array.isArray(value) ? Number(key) : key], inner),
  );
}

function serviceProblems(file: ComposeFile, name: string, service: ComposeService): readonly Problem[] {
  const at = ['services', name];
  const found: Problem[] = [];
  if (service.build !== undefined && name !== CANDIDATE) {
    found.push(problem([...at, 'build'], 'tests build nothing: name an image'));
  }
  if (service.image === undefined && name !== CANDIDATE) found.push(problem(at, 'the key "image" is missing'));
  for (const need of dependenciesOf(service)) {
    if (file.services[need] === undefined) found.push(problem([...at, 'depends_on'], `there is no service ${need}`));
  }
  for (const network of namesOf(service.networks)) {
    if (network === 'default' || Object.hasOwn(file.networks ?? {}, network)) continue;
    found.push(problem([...at, 'networks'], `there is no network ${network}`));
  }
  return found;
}

/** What its schema cannot say of a compose file. */
export function composeProblems(file: ComposeFile): readonly Problem[] {
  const services = Object.entries(file.services);
  const problems = services.flatMap(([name, service]) => serviceProblems(file, name, service));
  if (file.services[CANDIDATE] === undefined) {
    problems.push(problem(['services'], `no service is called ${CANDIDATE}: the image under test`));
  }
  const cycle = cycleIn(new Map(services.map(([name, service]) => [name, dependenciesOf(service)])));
  if (cycle !== undefined) {
    const way = cycle.join(' → ');
    problems.push(problem(['services', cycle[0] as string, 'depends_on'], `they need each other: ${way}`));
  }
  return [...problems, ...variableProblems(['services'], file.services)];
}

const namesOf = (networks: ComposeService['networks'] = []): readonly string[] =>
  Array.isArray(networks) ? (networks as readonly string[]) : Object.keys(networks);
