/** One copy of a workload behind a front. */
export interface Backend {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

export type BackendState = 'ready' | 'draining' | 'down';

/** Which backends get which share of the requests; all others share the rest. */
export interface TrafficShare {
  readonly ids: ReadonlySet<string>;
  /** Per cent, 0 to 100. */
  readonly weight: number;
}

export interface BackendStatus extends Backend {
  readonly state: BackendState;
  /** Requests (HTTP) or connections (TCP, upgraded HTTP) in flight. */
  readonly active: number;
}

interface Entry {
  readonly backend: Backend;
  state: BackendState;
  active: number;
  /** Of those in flight: upgraded connections, which end when the program ends them. */
  upgraded: number;
  /** Cuts what is still in flight when the grace of a drain is over. */
  readonly cut: Set<() => void>;
  idle: (() => void)[];
}

/** A backend taken for one request; `release` exactly once. */
export interface Lease {
  readonly backend: Backend;
  /** Called when the drain's grace is over while the lease is still held. */
  onCut(cut: () => void): void;
  /** It became a connection of its own (WebSocket): a drain does not wait for it. Its program ends it at its stop signal. */
  upgrade(): void;
  release(): void;
}

/** Milliseconds a backend that refused a connection gets no requests while another one is there. */
export const DOWN_FOR = 1000;

/** Who gets the next request. Holds no sockets: the HTTP and the TCP front both stand on it. */
export class BackendPool {
  readonly #entries = new Map<string, Entry>();
  #waiting: (() => void)[] = [];
  #turn = 0;
  #share: TrafficShare | undefined;
  #owed = 0;

  /** Undefined: all are equal again. */
  split(share: TrafficShare | undefined): void {
    this.#share = share;
    this.#owed = 0;
  }

  add(backend: Backend): void {
    const known = this.#entries.get(backend.id);
    if (known === undefined) {
      this.#entries.set(backend.id, { backend, state: 'ready', active: 0, upgraded: 0, cut: new Set(), idle: [] });
    } else known.state = 'ready';
    for (const wake of this.#waiting.splice(0)) wake();
  }

  status(): readonly BackendStatus[] {
    return [...this.#entries.values()].map(({ backend, state, active }) => ({ ...backend, state, active }));
  }

  /** Takes the ready backend with the fewest requests, in turn among equals; one that is `down` only as a last resort. */
  take(exclude: ReadonlySet<string> = new Set()): Lease | undefined {
    const open = [...this.#entries.values()].filter(
      ({ state, backend }) => state !== 'draining' && !exclude.has(backend.id),
    );
    const ready = open.filter(({ state }) => state === 'ready');
    const from = this.#side(ready.length > 0 ? ready : open);
    const least = Math.min(...from.map(({ active }) => active));
    const equal = from.filter(({ active }) => active === least);
    const entry = equal[this.#turn % Math.max(equal.length, 1)];
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    return entry === undefined ? undefined : this.#lease(entry);
  }

  /**
   * The side whose turn it is: of any 100 requests in a row exactly `weight` go to one. A side without a backend leaves
   * its share to the other one: an answer counts more than a weight.
   */
  #side(from: readonly Entry[]): readonly Entry[] {
    const share = this.#share;
    if (share === undefined) return from;
    const [chosen, others] = [true, false].map((wanted) =>
      from.filter(({ backend }) => share.ids.has(backend.id) === wanted),
    ) as [Entry[], Entry[]];
    this.#owed += share.weight;
    const turn = this.#owed >= 100;
    if (turn) this.#owed -= 100;
    const [first, second] = turn ? [chosen, others] : [others, chosen];
    return first.length > 0 ? first : second;
  }

  /** Waits until a backend is added; false after `milliseconds`. */
  async waitForOne(milliseconds: number): Promise<boolean> {
    return await new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== wake);
        resolve(false);
      }, milliseconds);
      this.#waiting.push(wake);
    });
  }

  /** A connection was refused: prefer others for `DOWN_FOR` milliseconds. */
  suspect(id: string): void {
    const entry = this.#entries.get(id);
    if (entry?.state !== 'ready') return;
    entry.state = 'down';
    setTimeout(() => {
      if (entry.state === 'down') entry.state = 'ready';
    }, DOWN_FOR).unref();
  }

  /**
   * No new requests from now on; resolves when none is in flight, and removes the backend. Upgraded connections stay: they
   * may last for hours, and only their program can say goodbye on them.
   * @returns how many were still in flight when `grace` milliseconds were over, and were cut
   */
  async drain(id: string, grace: number): Promise<number> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return 0;
    entry.state = 'draining';
    let cut = 0;
    if (entry.active > entry.upgraded) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          cut = entry.active - entry.upgraded;
          for (const call of [...entry.cut]) call();
          resolve();
        }, grace);
        entry.idle.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    // Made ready again by `add` while it drained (a rollback): then it stays.
    if ((entry.state as BackendState) === 'draining') this.#entries.delete(id);
    return cut;
  }

  #lease(entry: Entry): Lease {
    let held = true;
    let upgraded = false;
    const cuts: (() => void)[] = [];
    const settle = (): void => {
      if (entry.active === entry.upgraded) for (const wake of entry.idle.splice(0)) wake();
    };
    entry.active += 1;
    return {
      backend: entry.backend,
      onCut: (cut) => {
        cuts.push(cut);
        entry.cut.add(cut);
      },
      upgrade: () => {
        if (!held || upgraded) return;
        upgraded = true;
        entry.upgraded += 1;
        for (const cut of cuts) entry.cut.delete(cut);
        settle();
      },
      release: () => {
        if (!held) return;
        held = false;
        for (const cut of cuts) entry.cut.delete(cut);
        entry.active -= 1;
        if (upgraded) entry.upgraded -= 1;
        settle();
      },
    };
  }
}
