import { compareContent, contentOf } from '../../build/index.ts';
import { workshopError } from './errors.ts';
import type { RebuiltDockerfile } from './rebuild-image.ts';
import type { Workshop } from './workshop.ts';

/** Paths that an error names. */
const NAMED_PATHS = 50;

/**
 * Builds once more, as locked, and holds the two against one another by content: times, logs and caches aside.
 * @throws DOCKERFILE_NOT_REPRODUCIBLE with the paths that differ
 */
export async function checkSecondBuild(
  first: RebuiltDockerfile,
  again: () => Promise<RebuiltDockerfile>,
  workshop: Workshop,
): Promise<void> {
  const second = await again();
  if (second.image.digest === first.image.digest) return;
  const [before, after] = [
    await contentOf(first.image, workshop.layerFacts),
    await contentOf(second.image, workshop.layerFacts),
  ];
  const { identical, added, removed, changed, config } = compareContent(before, after);
  if (identical) return;
  const lines = [
    ...changed.map(({ path }) => `~ ${path}`),
    ...removed.map((path) => `- ${path}`),
    ...added.map((path) => `+ ${path}`),
    ...config.map(({ name, from = 'nothing', to = 'nothing' }) => `~ config ${name}: ${from} → ${to}`),
  ];
  const more = lines.length > NAMED_PATHS ? `\n… and ${lines.length - NAMED_PATHS} more` : '';
  throw workshopError(
    'DOCKERFILE_NOT_REPRODUCIBLE',
    `${first.file}: a second build of the same lock gives other content:\n${lines.slice(0, NAMED_PATHS).join('\n')}${more}`,
    {
      hint: 'Times come from SOURCE_DATE_EPOCH in a build; random names, host names and unsorted lists are the usual rest.',
      details: { changed: changed.map(({ path }) => path), removed, added },
    },
  );
}
