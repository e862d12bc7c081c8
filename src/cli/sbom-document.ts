import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ImageContents } from '../inventory/index.ts';
import { VERSION } from './version.ts';

/** `spdx`: 2.3; `spdx3`: 3.0.1. */
export type SbomFormat = 'cyclonedx' | 'spdx' | 'spdx3';

/** The parts of the libraries below `inventory/sbom`, each some milliseconds of loading. */
const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import('packageurl-js'),
  () => import('@cyclonedx/cyclonedx-library/Enums'),
  () => import('@cyclonedx/cyclonedx-library/Spec'),
  () => import('@cyclonedx/cyclonedx-library/Models'),
  () => import('@cyclonedx/cyclonedx-library/Serialize'),
  () => import('../inventory/sbom/index.ts'),
];

/**
 * Loads what `documentOf` needs, so that it is there when the image was read. Part by part, because the thread that
 * reads the image runs dry when this one does nothing else for as long as all of them take.
 */
export async function loadFormats(): Promise<void> {
  for (const load of PARTS) {
    await load();
    await nextTurn();
  }
}

/** The SBOM of an image as text; the same bytes for the same image, wherever and whenever it is made. */
export async function documentOf(format: SbomFormat, reference: string, contents: ImageContents): Promise<string> {
  const { toCycloneDx, toSpdx, toSpdx3 } = await import('../inventory/sbom/index.ts');
  const options = { reference, toolVersion: VERSION };
  if (format === 'cyclonedx') return toCycloneDx(contents, options);
  return format === 'spdx' ? toSpdx(contents, options) : toSpdx3(contents, options);
}
