import type { EventSink, HeraklitEvent } from '../envelope.ts';

export interface MemorySink extends EventSink {
  readonly events: readonly HeraklitEvent[];
}

/** Keeps every event it is given: for tests, and for results of one run. */
export function memorySink(name = 'memory', ephemeral = false): MemorySink {
  const events: HeraklitEvent[] = [];
  return {
    name,
    ephemeral,
    events,
    async deliver(batch) {
      events.push(...batch);
    },
    async close() {},
  };
}
