import { createHash } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../base/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { CliContext } from './context.ts';
import { loadFleetAndSources } from './fleet-sources.ts';

/** The fleet file as it is now: read again when it changes, and on SIGHUP. */
export interface LiveFleet {
  /** The last one that could be read. */
  current(): LoadedFleet;
  onChange(listener: (fleet: LoadedFleet) => void): void;
}

/** Milliseconds between looks at the file: a watch of the kernel's does not see one that is put in its place. */
const LOOK = 2_000;

/** One that cannot be read, or is of another fleet, is told and changes nothing. Ends with `resources`. */
export async function openLiveFleet(
  first: LoadedFleet,
  { context, look = LOOK }: { readonly context: CliContext; readonly look?: number },
  resources: AsyncDisposableStack,
): Promise<LiveFleet> {
  const { log } = context;
  const listeners: ((fleet: LoadedFleet) => void)[] = [];
  let fleet = first;
  let seen = await contentOf(first.file);
  let reading: Promise<void> = Promise.resolve();
  const read = async (): Promise<void> => {
    const content = await contentOf(first.file);
    if (content === seen) return;
    seen = content;
    try {
      const found = await loadFleetAndSources(first.file, context, { offline: true });
      if (found.fleet.name !== first.fleet.name) {
        throw new Error(`it is of fleet ${found.fleet.name} now; start the server anew`);
      }
      fleet = found;
      log.info(`${first.file} has changed: its settings of rollouts, images and policy hold from now on`);
      for (const listener of listeners) listener(found);
    } catch (error) {
      log.error(`the fleet file stays as it was: ${messageOf(error)}`);
    }
  };
  const changed = (): void => {
    reading = reading.then(read);
  };
  watchFile(first.file, { interval: look, persistent: false }, changed);
  process.on('SIGHUP', changed);
  resources.defer(async () => {
    unwatchFile(first.file, changed);
    process.off('SIGHUP', changed);
    await reading;
  });
  return { current: () => fleet, onChange: (listener) => void listeners.push(listener) };
}

const contentOf = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file).catch(() => ''))
    .digest('hex');
