import { accessError } from '../errors.ts';

/**
 * Runs at most `width` calls at once, and lets at most `length` wait. Password hashing runs on the four threads that
 * files and compression use too: a flood of sign-ins is not to stop the registry.
 */
export function boundedQueue(width: number, length: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= width) {
      if (waiting.length >= length) {
        throw accessError('ACCESS_BUSY', `${waiting.length} sign-ins wait already`, { details: { retryAfter: 1 } });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, so that nobody who comes now overtakes who waits.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
