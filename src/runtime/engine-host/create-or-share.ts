import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { EngineApi } from './api.ts';
import type { CreateBody } from './api-types.ts';
import { digestLabel } from './labels.ts';
import { labelsOf } from './replica.ts';

/** Looks at a name that is taken by a container nobody knows, and milliseconds between them. */
const LOOKS = 8;
const LOOK_AGAIN = 500;

/**
 * The id of a container of this name: a new one, or that of another process which carries out the same rollout. An engine
 * that is still busy with the call of a killed process refuses the name before it knows the container; a podman that was
 * killed with it keeps the name for ever, until what is left of the container is removed.
 */
export async function createOrShare(
  api: Pick<EngineApi, 'create' | 'inspect' | 'remove'>,
  name: string,
  body: CreateBody,
  digest: Digest | undefined,
  lookAgain = LOOK_AGAIN,
): Promise<string> {
  for (let look = 1; ; look += 1) {
    try {
      return await api.create(name, body);
    } catch (error) {
      const made = await api.inspect(name);
      if (made !== undefined && digestLabel(labelsOf(made)) === digest) return made.Id;
      const taken = made === undefined && isHeraklitError(error) && /\b(?:already )?in use\b/.test(error.message);
      if (!taken || look === LOOKS) throw error;
      if (look > LOOKS / 2) await api.remove(name);
      else await sleep(lookAgain);
    }
  }
}
