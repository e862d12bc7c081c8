import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { EngineAnswer, EngineCall } from './http.ts';

/** Looks at a container that is half there, and milliseconds between them. */
const LOOKS = 8;
const LOOK_AGAIN = 500;
const LOST = /getting container from store "([0-9a-f]{64})": container not known/;

/**
 * Asks for containers. A podman that was killed while it made or removed one may know a container whose storage is gone, and
 * then lists nothing at all for ever. Another process may also be at it just now: so it is looked at again, and then what is
 * left of it is removed, unless it runs.
 */
export async function listDespiteLost<T>(
  list: () => Promise<T>,
  ask: (call: EngineCall, ...fine: readonly number[]) => Promise<EngineAnswer>,
  lookAgain = LOOK_AGAIN,
): Promise<T> {
  for (let look = 1; ; look += 1) {
    try {
      return await list();
    } catch (error) {
      const lost = isHeraklitError(error, 'ENGINE_HOST_REFUSED') ? LOST.exec(error.message)?.[1] : undefined;
      if (lost === undefined || look === LOOKS) throw error;
      if (look <= LOOKS / 2) {
        await sleep(lookAgain);
        continue;
      }
      const seen = await ask({ path: `/containers/${lost}/json` }, 404, 500);
      const { State } = (seen.status < 400 ? JSON.parse(seen.body.toString()) : {}) as {
        State?: { Running?: unknown };
      };
      if (State?.Running === true) throw error;
      await ask({ method: 'DELETE', path: `/containers/${lost}?force=true`, silence: 60_000 }, 404, 409, 500);
    }
  }
}
