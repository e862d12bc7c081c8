import { CANDIDATE, type ExecStep, type TextExpectation } from '../../../recipe/index.ts';
import { bad, excerpt, good, OUTPUT_BYTES, patternOf, type StepContext, type Verdict } from '../conduct.ts';

function textProblem(name: string, text: string, wanted: TextExpectation | undefined): string | undefined {
  if (wanted?.contains !== undefined && !text.includes(wanted.contains)) {
    return `its ${name} does not contain ${JSON.stringify(wanted.contains)}: ${excerpt(text)}`;
  }
  if (wanted?.matches !== undefined && !patternOf(wanted.matches).test(text)) {
    return `its ${name} does not match ${wanted.matches}: ${excerpt(text)}`;
  }
  return undefined;
}

/** A command inside a running part. */
export async function execStep({ world, signal, inVain }: StepContext, step: ExecStep): Promise<Verdict> {
  const { command, service = CANDIDATE, user, status = 0 } = step;
  const ended = await inVain();
  if (ended !== undefined) return bad(ended);
  try {
    const options = { keep: OUTPUT_BYTES, signal, ...(user === undefined ? {} : { user }) };
    const { exitCode, stdout, stderr, truncated } = await world.exec(service, command, options);
    if (exitCode !== status) {
      const why = exitCode < 0 && truncated ? 'it does not stop talking' : `exit code ${exitCode}, not ${status}`;
      return bad(`${why}: ${excerpt(stderr || stdout)}`);
    }
    const problem = textProblem('stdout', stdout, step.stdout) ?? textProblem('stderr', stderr, step.stderr);
    return problem === undefined ? good(`exit code ${exitCode}`) : bad(problem);
  } catch (error) {
    if (!signal.aborted) throw error;
    return bad('it does not end in time');
  }
}
