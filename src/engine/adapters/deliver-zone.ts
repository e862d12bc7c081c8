import { resolve } from 'node:path';
import type { Credentials, RegistryCatalogue } from '../../registry/index.ts';
import type { CarryContext } from '../../rollout/index.ts';
import { readSecret } from '../../source/index.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { pushTo } from './push.ts';

/**
 * Copies an image, with its signature and statements, to the registry of a zone, before anything there is to run it. Doing it
 * twice sends nothing twice.
 * @param directory of the fleet file: password files lie beside it
 */
export function zoneDelivery(
  workshop: Pick<Workshop, 'store'>,
  catalogue: RegistryCatalogue,
  directory: string,
): NonNullable<CarryContext['deliver']> {
  return async ({ registry }, { repository, tag = 'latest', digest }, signal) => {
    if (registry === undefined) return;
    const { endpoint: to, insecure = false, username, passwordFile } = registry;
    const credentials =
      username === undefined || passwordFile === undefined
        ? undefined
        : async (): Promise<Credentials> => {
            const password = await readSecret(resolve(directory, passwordFile));
            return { kind: 'password', username, password };
          };
    await pushTo({ to, insecure }, workshop, catalogue, credentials).push({ repository, tag, digest }, signal);
  };
}
