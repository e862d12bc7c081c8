import { HeraklitError, isHeraklitError, type Log, messageOf, silentLog } from '../base/index.ts';

/**
 * The order in which a distribution's mirrors are asked. One that failed is asked last from then on: a dead mirror costs
 * its time limit once, not once a file. Lives as long as one run, so that the next one begins with the first again.
 */
export interface Failover {
  /** The same mirrors, those that failed last. */
  order(bases: readonly string[]): readonly string[];
  /** One of several mirrors failed: warned of once, with its number in the order they were named. */
  failed(bases: readonly string[], base: string, error: unknown): void;
}

/** @param origin who named the mirrors, for the warning */
export function createFailover(origin: string, log: Log = silentLog): Failover {
  const broken = new Set<string>();
  return {
    order: (bases) => [...bases.filter((base) => !broken.has(base)), ...bases.filter((base) => broken.has(base))],
    failed: (bases, base, error) => {
      if (bases.length < 2 || broken.has(base)) return;
      broken.add(base);
      const code = isHeraklitError(error) ? `${error.code}: ` : '';
      const number = `mirror ${bases.indexOf(base) + 1} of ${bases.length} (${origin})`;
      log.warn(`${number} failed and is asked last from now on: ${code}${messageOf(error)}`);
    },
  };
}

/** Failures told of in one message. */
const MAX_TOLD = 8;

/** What is thrown when every mirror failed: the code of the one that says most, the words of all. */
export function everyMirrorFailed(main: HeraklitError, failures: readonly unknown[]): HeraklitError {
  const messages = [...new Set(failures.map(messageOf))];
  if (messages.length < 2) return main;
  const told = messages.slice(0, MAX_TOLD).join('; ');
  const more = messages.length > MAX_TOLD ? `; and ${messages.length - MAX_TOLD} more` : '';
  const { code, kind, retryable, hint, details } = main;
  return new HeraklitError(code, { kind, retryable, meaning: main.message }, `every mirror failed: ${told}${more}`, {
    cause: main,
    details,
    ...(hint === undefined ? {} : { hint }),
  });
}
