import type { CliContext } from './context.ts';

/** The same context over the home's blobs elsewhere: what an option or a fleet names goes before the environment. */
export function withStorage(context: CliContext, storage: string | undefined): CliContext {
  return storage === undefined ? context : { ...context, home: { ...context.home, storage } };
}
