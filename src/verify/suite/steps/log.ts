import { CANDIDATE, type TestStep } from '../../../recipe/index.ts';
import { bad, excerpt, good, patternOf, poll, type StepContext, type Verdict } from '../conduct.ts';

/** Bytes of a log that are searched: the last ones. */
const SEARCHED = 1024 * 1024;

async function logOf({ world }: StepContext, service: string): Promise<string> {
  const { stdout, stderr } = await world.output(service, SEARCHED);
  return `${stdout}\n${stderr}`;
}

/** A line that must come, or that must not have come. */
export async function logStep(context: StepContext, step: NonNullable<TestStep['log']>): Promise<Verdict> {
  const { service = CANDIDATE, matches, absent } = step;
  if (absent !== undefined) {
    const found = patternOf(absent).exec(await logOf(context, service));
    return found === null ? good(`its log has no ${absent}`) : bad(`its log says ${excerpt(found[0])}`);
  }
  const wanted = patternOf(matches ?? '');
  return await poll(context, Number.POSITIVE_INFINITY, async () => {
    const log = await logOf(context, service);
    const found = wanted.exec(log);
    return found === null
      ? bad(`its log has no ${matches}: ${excerpt(log)}`)
      : good(`its log says ${excerpt(found[0])}`);
  });
}
