import type { Problem } from './problems.ts';
import type { TestReady, TestStep, TestSuite } from './test-types.ts';

const STEP_FORMS = ['http', 'tcp', 'exec', 'log', 'test', 'run'] as const;
const READY_FORMS = ['tcp', 'http', 'exec', 'log'] as const;
/** The name under which the image under test is reached. */
export const CANDIDATE = 'candidate';

type Path = readonly (string | number)[];
const problem = (path: Path, message: string): Problem => ({ path, atKey: false, message });

function regexProblem(path: Path, text: string | undefined): readonly Problem[] {
  if (text === undefined) return [];
  try {
    new RegExp(text, 'm');
    return [];
  } catch {
    return [problem(path, 'it is no regular expression')];
  }
}

function readyProblems(path: Path, ready: TestReady | undefined): readonly Problem[] {
  if (ready === undefined) return [];
  const one = READY_FORMS.filter((form) => ready[form] !== undefined).length === 1;
  const exactly = one ? [] : [problem(path, `exactly one of ${READY_FORMS.join(', ')} is needed`)];
  return [...exactly, ...regexProblem([...path, 'log'], ready.log)];
}

function stepProblems(path: Path, step: TestStep, known: ReadonlySet<string> | undefined): readonly Problem[] {
  const forms = STEP_FORMS.filter((form) => step[form] !== undefined);
  const [form] = forms;
  if (forms.length !== 1 || form === undefined) {
    return [problem(path, `exactly one of ${STEP_FORMS.join(', ')} is needed`)];
  }
  const at = [...path, form];
  const { http, tcp, exec, log } = step;
  const service = (http ?? tcp ?? exec ?? log)?.service;
  const unknown = service !== undefined && known !== undefined && !known.has(service);
  const empty = log !== undefined && (log.matches === undefined) === (log.absent === undefined);
  const texts = { stdout: exec?.stdout?.matches, stderr: exec?.stderr?.matches };
  return [
    ...(unknown ? [problem([...at, 'service'], `there is no service ${service}`)] : []),
    ...(empty ? [problem(at, 'exactly one of matches, absent is needed')] : []),
    ...regexProblem([...at, 'matches'], http?.matches ?? log?.matches),
    ...regexProblem([...at, 'absent'], log?.absent),
    ...regexProblem([...at, 'expect'], tcp?.expect),
    ...Object.entries(texts).flatMap(([name, text]) => regexProblem([...at, name, 'matches'], text)),
  ];
}

/** The first service that is reached from itself, with the way there. */
export function cycleIn(needs: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return undefined;
    done.add(name);
    for (const next of needs.get(name) ?? []) {
      const found = visit(next, [...way, name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const name of needs.keys()) {
    const found = visit(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function serviceProblems(path: Path, suite: TestSuite): readonly Problem[] {
  const services = Object.entries(suite.services ?? {});
  const names = new Set(services.map(([name]) => name));
  const problems = services.flatMap(([name, { needs = [], ready }]) => [
    ...(name === CANDIDATE ? [problem([...path, 'services', name], 'this is the name of the image under test')] : []),
    ...needs.flatMap((need, i) =>
      names.has(need) ? [] : [problem([...path, 'services', name, 'needs', i], `there is no service ${need}`)],
    ),
    ...readyProblems([...path, 'services', name, 'ready'], ready),
  ]);
  const cycle = cycleIn(new Map(services.map(([name, { needs = [] }]) => [name, needs])));
  return cycle === undefined
    ? problems
    : [...problems, problem([...path, 'services', cycle[0] as string], `they need each other: ${cycle.join(' → ')}`)];
}

/** What the schema cannot say of tests. @param path where they stand in their document */
export function suiteProblems(path: Path, suite: TestSuite | undefined): readonly Problem[] {
  if (suite === undefined) return [];
  const problems = [
    ...serviceProblems(path, suite),
    ...readyProblems([...path, 'candidate', 'ready'], suite.candidate?.ready),
  ];
  for (const key of ['services', 'candidate'] as const) {
    if (suite.compose !== undefined && suite[key] !== undefined) {
      problems.push(problem([...path, key], 'the compose file says this'));
    }
  }
  // The names of a compose file are known when that is read.
  const known = suite.compose === undefined ? new Set([CANDIDATE, ...Object.keys(suite.services ?? {})]) : undefined;
  for (const [index, step] of (suite.steps ?? []).entries()) {
    problems.push(...stepProblems([...path, 'steps', index], step, known));
  }
  return problems;
}
