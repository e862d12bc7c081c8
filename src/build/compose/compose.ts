import { composeApk } from './apk/compose-apk.ts';
import { composeDeb } from './compose-deb.ts';
import { familyFor } from './family.ts';
import { composeRpm } from './rpm/compose-rpm.ts';
import type { ComposedImage, ComposeRequest } from './types.ts';

/**
 * Makes an image from a recipe: resolve → lock → one layer per package group → maintainer scripts → one top layer.
 * The same recipe, lock and base give the same digest on any machine, on any day.
 *
 * @throws SOLVE_*, COMPOSE_*, SANDBOX_*, DISTRO_PACKAGE_INVALID, and what `repositories` and `fetchPackage` throw
 */
export async function compose(request: ComposeRequest): Promise<ComposedImage> {
  switch (await familyFor(request)) {
    case 'apk':
      return composeApk(request);
    case 'rpm':
      return composeRpm(request);
    default:
      return composeDeb(request);
  }
}
