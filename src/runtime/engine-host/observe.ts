import type { MemberObserver } from '../members.ts';
import { MOST_LINES, readTimedLines } from '../timed-lines.ts';
import type { EngineApi } from './api.ts';

/** Restarts and logs of containers, by name. */
export function containerObserver(api: () => Promise<EngineApi>): MemberObserver {
  return {
    restarts: async ({ name }) => {
      const container = await (await api()).inspect(name);
      return container === undefined ? undefined : (container.RestartCount ?? 0);
    },
    output: async ({ name }, since) => {
      const text = await (await api()).logsSince(name, since, MOST_LINES);
      return text === undefined ? undefined : readTimedLines(text);
    },
  };
}
