import { registryError } from '../errors.ts';
import type { Published } from './catalogue.ts';

/** What a conditional publication is refused with. */
export function tagMoved({ repository, tag, previous }: Pick<Published, 'repository' | 'tag' | 'previous'>): Error {
  return registryError(
    'REGISTRY_PRECONDITION_FAILED',
    `${repository}:${tag} names ${previous ?? 'nothing'}, which is not what the request expects`,
    {
      ...(previous === undefined ? {} : { details: { digest: previous } }),
      hint: 'Read the tag again and decide anew.',
    },
  );
}
