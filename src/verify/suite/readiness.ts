import { isHeraklitError } from '../../base/index.ts';
import type { TestReady } from '../../recipe/index.ts';
import { bad, excerpt, good, OUTPUT_BYTES, patternOf, poll, type StepContext, type Verdict } from './conduct.ts';
import type { PlannedPart } from './plan.ts';
import { httpStep } from './steps/http.ts';
import { tcpStep } from './steps/tcp.ts';

/** How a part ended, with its last words; undefined while it has not. */
export async function endingOf({ world }: Pick<StepContext, 'world'>, name: string): Promise<string | undefined> {
  const state = await world.state(name);
  if (state.kind !== 'ended') return undefined;
  const { stdout, stderr } = await world.output(name, OUTPUT_BYTES);
  const said = excerpt(`${stdout}\n${stderr}`);
  const why = state.detail === '' ? '' : ` (${state.detail})`;
  return `${name} ended with exit code ${state.exitCode}${why}${said === '' ? '' : `: ${said}`}`;
}

async function ask(context: StepContext, name: string, ready: TestReady): Promise<Verdict> {
  const { tcp, http, exec, log } = ready;
  if (tcp !== undefined) return await tcpStep(context, { service: name, port: tcp });
  if (http !== undefined) return await httpStep(context, { ...http, service: name }, undefined);
  const many = Number.POSITIVE_INFINITY;
  if (exec !== undefined) {
    return await poll(context, many, async () => {
      const options = { keep: OUTPUT_BYTES, signal: context.signal };
      const { exitCode, stdout, stderr } = await context.world.exec(name, exec, options);
      return exitCode === 0
        ? good('its check passes')
        : bad(`its check ends with ${exitCode}: ${excerpt(stderr || stdout)}`);
    });
  }
  const wanted = patternOf(log ?? '');
  return await poll(context, many, async () => {
    const { stdout, stderr } = await context.world.output(name, OUTPUT_BYTES);
    return wanted.test(`${stdout}\n${stderr}`) ? good('its log says so') : bad(`its log does not say ${log}`);
  });
}

/** Waits until any of the ports is open: images expose ports they only open when configured to. */
async function anyPort(context: StepContext, name: string, ports: readonly number[]): Promise<Verdict> {
  return await poll(context, Number.POSITIVE_INFINITY, async () => {
    const problems: string[] = [];
    for (const port of ports) {
      try {
        (await context.world.connect(name, port, context.signal, true)).destroy();
        return good(`port ${port} is open`);
      } catch (error) {
        if (!(error instanceof Error) || isHeraklitError(error)) throw error;
        problems.push(error.message);
      }
    }
    return bad(problems.join('; '));
  });
}

/** By its own words; else by its ports, where it has any; else it runs. */
export async function waitReady(context: StepContext, { part, ready }: PlannedPart): Promise<Verdict> {
  if (ready !== undefined) return await ask(context, part.name, ready);
  if (part.ports.length > 0) return await anyPort(context, part.name, part.ports);
  return await poll(context, Number.POSITIVE_INFINITY, async () => {
    const state = await context.world.state(part.name);
    if (state.kind === 'ended' && state.exitCode === 0) return good('it ended with exit code 0');
    return state.kind === 'running' ? good('it runs') : bad(state.detail || 'it ended');
  });
}

/** Waits until a part has ended with 0. */
export async function waitCompleted(context: StepContext, name: string): Promise<Verdict> {
  const late = { ...context, inVain: async () => undefined };
  let failed: Verdict | undefined;
  const verdict = await poll(late, Number.POSITIVE_INFINITY, async () => {
    const state = await context.world.state(name);
    if (state.kind !== 'ended') return bad('it does not end');
    if (state.exitCode !== 0) failed = bad((await endingOf(context, name)) ?? 'it failed');
    return good('it completed');
  });
  return failed ?? verdict;
}
