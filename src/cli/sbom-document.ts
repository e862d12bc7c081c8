import type { ImageContents } from '../inventory/index.ts';
import { VERSION } from './version.ts';

export type SbomFormat = 'cyclonedx' | 'spdx';

/** Loads what `documentOf` needs, so that it is there when the image was read. */
export const loadFormats = (): Promise<unknown> => import('../inventory/sbom/index.ts');

/** The SBOM of an image as text; the same bytes for the same image, wherever and whenever it is made. */
export async function documentOf(format: SbomFormat, reference: string, contents: ImageContents): Promise<string> {
  const { toCycloneDx, toSpdx } = await import('../inventory/sbom/index.ts');
  const options = { reference, toolVersion: VERSION };
  return format === 'spdx' ? toSpdx(contents, options) : toCycloneDx(contents, options);
}
