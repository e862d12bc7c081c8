import type { Duplex } from 'node:stream';
import { CANDIDATE, type TestStep } from '../../../recipe/index.ts';
import { bad, excerpt, good, patternOf, poll, type StepContext, type Verdict } from '../conduct.ts';

/** Bytes read of what the other side says. */
const LIMIT = 1024 * 1024;
/** Milliseconds for what is expected to come. */
const ANSWER = 5_000;

/** Reads until the text matches, the other side ends, or it has had its time. */
async function hear(socket: Duplex, expect: RegExp, signal: AbortSignal): Promise<Verdict> {
  let heard = '';
  const enough = AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]);
  const stop = (): void => void socket.destroy();
  enough.addEventListener('abort', stop, { once: true });
  try {
    for await (const part of socket as AsyncIterable<Buffer>) {
      heard += part.toString('latin1');
      if (expect.test(heard)) return good(`says ${excerpt(heard.slice(0, 100))}`);
      if (heard.length > LIMIT) break;
    }
  } catch (error) {
    if (!enough.aborted) throw error;
  } finally {
    enough.removeEventListener('abort', stop);
  }
  return bad(
    heard === '' ? `it says nothing, not ${expect.source}` : `it says ${excerpt(heard)}, not ${expect.source}`,
  );
}

export async function tcpStep(context: StepContext, step: NonNullable<TestStep['tcp']>): Promise<Verdict> {
  const { service = CANDIDATE, port, send, expect } = step;
  return await poll(context, Number.POSITIVE_INFINITY, async () => {
    const socket = await context.world.connect(service, port, context.signal, expect === undefined);
    // What breaks later is told by reading.
    socket.on('error', () => {});
    try {
      if (send !== undefined) socket.write(Buffer.from(send));
      return expect === undefined
        ? good(`port ${port} is open`)
        : await hear(socket, patternOf(expect), context.signal);
    } finally {
      socket.destroy();
    }
  });
}
