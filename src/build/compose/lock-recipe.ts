import { lockApk } from './apk/compose-apk.ts';
import { familyFor } from './family.ts';
import { lockDeb } from './lock-deb.ts';
import type { Lock } from './lock-form.ts';
import { lockRpm } from './rpm/compose-rpm.ts';
import type { ComposeRequest } from './types.ts';

/**
 * The lock that a build would write, without building. Every package is fetched and verified, because the time of its
 * newest file is part of the lock: a build from it needs no network any more.
 *
 * @throws as `compose`, up to its first layer
 */
export async function lockRecipe(request: ComposeRequest): Promise<Lock> {
  switch (await familyFor(request)) {
    case 'apk':
      return lockApk(request);
    case 'rpm':
      return lockRpm(request);
    default:
      return lockDeb(request);
  }
}
