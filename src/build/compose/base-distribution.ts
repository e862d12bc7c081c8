import { readDistribution as distributionOfRelease } from '../../distro/index.ts';
import { readBaseFiles } from './base-image.ts';
import { composeError } from './errors.ts';
import { platformOf } from './image-config.ts';
import type { ComposeRequest } from './types.ts';

const LABEL = 'io.heraklit.distribution';
const OS_RELEASE = 'usr/lib/os-release';
const OWN_OS_RELEASE = 'etc/os-release';

/**
 * The distribution that packages come from: the recipe's, or that of the base. A composed base says which it is of, so
 * that a recipe naming another one is refused instead of mixing two releases.
 */
export async function distributionFor(request: ComposeRequest): Promise<string> {
  const { recipe } = request;
  refuseOtherArchitecture(request);
  const label = labelOf(request);
  if (recipe.distribution !== undefined && label !== undefined && recipe.distribution !== label) {
    throw composeError(
      'COMPOSE_BASE_MISMATCH',
      `${recipe.name} wants ${recipe.distribution}, its base is of ${label}`,
      {
        hint: 'Leave `distribution` out: it is taken from the base.',
      },
    );
  }
  return recipe.distribution ?? (await readDistribution(request));
}

function refuseOtherArchitecture({ recipe, base, architecture }: ComposeRequest): void {
  if (base === undefined) return;
  const [found, wanted] = [base.image.config.architecture, platformOf(architecture).architecture];
  if (found === wanted) return;
  throw composeError(
    'COMPOSE_BASE_MISMATCH',
    `${recipe.name} is built for ${wanted}, its base ${base.name} is ${found}`,
    {
      hint: 'Name a base that has this platform.',
    },
  );
}

/** What a composed base says of itself. */
export const labelOf = ({ base }: Pick<ComposeRequest, 'base'>): string | undefined =>
  base?.image.config.config?.Labels?.[LABEL];

/** Which distribution a base is of: a composed image says so in a label, any other in its os-release(5). */
async function readDistribution({ base }: ComposeRequest): Promise<string> {
  const label = labelOf({ ...(base === undefined ? {} : { base }) });
  if (label !== undefined) return label;
  const files =
    base === undefined ? undefined : await readBaseFiles(base.image, [OS_RELEASE], (path) => path === OWN_OS_RELEASE);
  const file = files?.get(OWN_OS_RELEASE) ?? files?.get(OS_RELEASE);
  const found = file === undefined ? undefined : distributionOfRelease(file.content)?.name;
  if (found !== undefined) return found;
  throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base?.name} does not say which distribution it is of`, {
    hint: 'Name it in the recipe: `distribution: debian/trixie`.',
  });
}
