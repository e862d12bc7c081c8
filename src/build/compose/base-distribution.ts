import { readBaseFiles } from './base-image.ts';
import { composeError } from './errors.ts';
import type { ComposeRequest } from './types.ts';

const LABEL = 'io.heraklit.distribution';
const OS_RELEASE = 'usr/lib/os-release';

/** Which distribution a base is of: a composed image says so in a label, any other in its os-release(5). */
export async function readDistribution({ base }: ComposeRequest): Promise<string> {
  const label = base?.image.config.config?.Labels?.[LABEL];
  if (label !== undefined) return label;
  const file = base === undefined ? undefined : (await readBaseFiles(base.image, [OS_RELEASE])).get(OS_RELEASE);
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(file?.content.toString('utf8') ?? '')?.[1];
  const [id, codename] = [field('ID'), field('VERSION_CODENAME')];
  if (id === undefined || codename === undefined) {
    throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base?.name} does not say which distribution it is of`, {
      hint: 'Name it in the recipe: `distribution: debian/trixie`.',
    });
  }
  return `${id}/${codename}`;
}
