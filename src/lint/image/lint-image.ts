import { inspectLayers, type ReadLayersOptions, readLayers } from '../../inventory/index.ts';
import type { Reference, ResolvedImage } from '../../oci/index.ts';
import { type LintProblem, type LintRule, runRules } from '../types.ts';
import { CONFIG_RULES } from './config-rules.ts';
import { FILE_RULES } from './file-rules.ts';
import { SIZE_RULES } from './size-rules.ts';
import type { ImageSubject } from './subject.ts';

export const IMAGE_RULES: readonly LintRule<ImageSubject>[] = [...FILE_RULES, ...CONFIG_RULES, ...SIZE_RULES];

/**
 * What is questionable about an image. Layers that were read before are not read again.
 * @throws what reading layers throws
 */
export async function lintImage(
  image: ResolvedImage,
  reference: Reference,
  options: ReadLayersOptions & { readonly ignored?: ReadonlySet<string> } = {},
): Promise<readonly LintProblem[]> {
  const records = await readLayers(image, options);
  const contents = await inspectLayers(image, records);
  const fromRegistry = reference.kind === 'docker';
  const tag = reference.kind === 'docker' && reference.digest === undefined ? (reference.tag ?? 'latest') : undefined;
  return runRules(IMAGE_RULES, { tag, fromRegistry, contents, records }, options.ignored ?? new Set());
}
