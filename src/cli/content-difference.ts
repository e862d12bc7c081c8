import { join } from 'node:path';
import type { ContentDifference } from '../build/index.ts';
import type { CliContext } from './context.ts';

/** How the contents of two images differ; layers read for it are known from then on. */
export async function contentDifference(
  before: string,
  after: string,
  { home, signal }: CliContext,
  platform: string | undefined,
): Promise<ContentDifference> {
  const [{ compareContent, contentOf, createLayerFactsReader }, { openImage }, { parsePlatform, parseReference }] =
    await Promise.all([import('../build/index.ts'), import('../transport/index.ts'), import('../oci/index.ts')]);
  const layers = createLayerFactsReader(join(home.cache, 'facts'));
  const read = async (reference: string) => {
    const image = await openImage(parseReference(reference), {
      signal,
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    });
    try {
      return await contentOf(image, layers);
    } finally {
      await image.close();
    }
  };
  return compareContent(await read(before), await read(after));
}
