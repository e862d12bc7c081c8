import { type EcosystemId, familyOfDistribution } from '../../distro/index.ts';
import { distributionFor, labelOf } from './base-distribution.ts';
import { composeError } from './errors.ts';
import type { ComposeRequest } from './types.ts';

/**
 * Which family's packages a recipe is made of: its distribution's, or its base's.
 * @throws COMPOSE_FAMILY, COMPOSE_BASE_MISMATCH
 */
export async function familyFor(request: ComposeRequest): Promise<EcosystemId> {
  const { recipe, lock } = request;
  const known = recipe.distribution ?? labelOf(request) ?? lock?.distribution;
  const distribution = known ?? ((recipe.packages ?? []).length > 0 ? await distributionFor(request) : '');
  const family = familyOfDistribution(distribution);
  if (family !== 'alpm') return family;
  throw composeError('COMPOSE_FAMILY', `${recipe.name}: images of ${distribution} are not composed`, {
    hint: 'Recipes are for distributions of the deb, apk and rpm families; write a Dockerfile.',
  });
}
