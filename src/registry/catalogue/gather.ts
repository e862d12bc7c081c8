import { AsyncLocalStorage } from 'node:async_hooks';

export interface GatherOptions<Item> {
  /** Items in one call at most. */
  readonly most: number;
  /** Items of one key never share a call; the later one waits for the next. */
  readonly key?: (item: Item) => string;
  /** A call that fails for its items together is made again for each of them alone, so that one fails for itself only. */
  readonly alone?: boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers the items that come while a call is under way into the next call. Every item is in a call that began after
 * it came, so it sees every commit before it, and all of a call share one statement, or one transaction and its sync.
 *
 * @param run gives one result for each item, in order
 */
export function gather<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  options: GatherOptions<Item>,
): (item: Item) => Promise<Result> {
  // Not in the context of whoever came first: an open transaction around one is none around the others.
  const detached = AsyncLocalStorage.snapshot();
  let waiting: Waiting<Item, Result>[] = [];
  let scheduled = false;

  const take = (): readonly Waiting<Item, Result>[] => {
    const keys = new Set<string>();
    const taken: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    for (const one of waiting) {
      const key = options.key?.(one.item);
      if (taken.length >= options.most || (key !== undefined && keys.has(key))) left.push(one);
      else taken.push(one);
      if (key !== undefined) keys.add(key);
    }
    waiting = left;
    return taken;
  };
  const settle = async (taken: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await run(taken.map(({ item }) => item));
      for (const [at, one] of taken.entries()) one.resolve(results[at] as Result);
    } catch (error) {
      if (options.alone === true && taken.length > 1) for (const one of taken) await settle([one]);
      else for (const one of taken) one.reject(error);
    }
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) await settle(take());
    scheduled = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      // After the events of this turn, so that requests read from several sockets at once share the call.
      setImmediate(() => detached(drain));
    });
}
