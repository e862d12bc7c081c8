import { registryError } from '../errors.ts';

/** How slowly a client may send. */
export interface Pace {
  /** Milliseconds of waiting for the client after which it must have sent `bytes`. */
  readonly idle: number;
  /** Bytes that must have come in each of those; 1 allows any trickle. */
  readonly bytes: number;
}

/**
 * A body as it arrives, ended with REGISTRY_BODY_STALLED when the client stands still or trickles to hold a connection.
 * Only time spent waiting for the client counts, not what we take to write; and there is no limit on the whole, as a
 * large layer over a thin line takes hours.
 */
export async function* paced(content: AsyncIterable<Buffer>, pace: Pace): AsyncGenerator<Buffer> {
  const source = content[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<Buffer>> | undefined;
  let [waited, bytes] = [0, 0];
  try {
    for (;;) {
      const began = performance.now();
      pending ??= source.next();
      const next = await within(pending, Math.max(1, pace.idle - waited));
      waited += performance.now() - began;
      if (waited >= pace.idle) {
        if (bytes < pace.bytes) throw stalled(pace, bytes);
        [waited, bytes] = [0, 0];
      }
      if (next === undefined) continue;
      pending = undefined;
      if (next.done === true) return;
      bytes += next.value.length;
      yield next.value;
    }
  } finally {
    // Not waited for: a source that stands still would not end either.
    source.return?.()?.then(undefined, () => undefined);
  }
}

const stalled = ({ idle, bytes }: Pace, came: number): Error =>
  registryError(
    'REGISTRY_BODY_STALLED',
    `only ${came} bytes came in ${idle / 1_000} s of waiting; at least ${bytes} must`,
    {
      hint: 'Go on with the upload where it stopped; GET on it says how far it got.',
    },
  );

/** Undefined when the time is over. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  // Nobody hears of it when it fails after the time.
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
