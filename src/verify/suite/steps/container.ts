import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../../runner/port.ts';
import { bad, excerpt, good, OUTPUT_BYTES, type StepContext, type Verdict } from '../conduct.ts';

const POLL = 100;

/**
 * A test container in the network of the candidate: it has to end with the status wanted, in time.
 * @throws what is not the candidate's fault: an image that cannot be pulled, an engine that refuses
 */
export async function containerStep(
  { world, signal }: StepContext,
  part: Part,
  status: number,
  refused: (reason: string) => Error,
): Promise<Verdict> {
  const started = await world.start(part, signal);
  // Its image and command are the author's, not the candidate's.
  if (started.kind === 'refused') throw refused(`the test container does not start: ${started.reason}`);
  for (;;) {
    const state = await world.state(part.name);
    if (state.kind === 'ended') {
      const { stdout, stderr } = await world.output(part.name, OUTPUT_BYTES);
      if (state.exitCode === status) return good(`exit code ${status}`);
      const why = state.detail === '' ? '' : ` (${state.detail})`;
      return bad(`exit code ${state.exitCode}, not ${status}${why}: ${excerpt(stderr || stdout)}`);
    }
    if (signal.aborted) return bad('it does not end in time');
    await sleep(POLL, undefined, { signal }).catch(() => {});
  }
}
