/** Who may use the only connection: one after the other, in the order they asked. */
export interface Turns {
  /** Resolves with what ends the turn. */
  take(): Promise<() => void>;
  /** Nobody waits any more, as when the turn that is taken never ends: for a database that is closing. */
  abandon(): void;
}

export function createTurns(): Turns {
  let taken = false;
  let abandoned = false;
  const waiting: ((end: () => void) => void)[] = [];
  const turn = (): (() => void) => {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = waiting.shift();
      if (next === undefined) taken = false;
      else next(turn());
    };
  };
  return {
    take() {
      if (abandoned) return Promise.resolve(() => undefined);
      if (taken) return new Promise((resolve) => waiting.push(resolve));
      taken = true;
      return Promise.resolve(turn());
    },
    abandon() {
      abandoned = true;
      for (const next of waiting.splice(0)) next(() => undefined);
    },
  };
}
