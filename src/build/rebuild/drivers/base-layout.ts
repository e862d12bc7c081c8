import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, type ResolvedImage } from '../../../oci/index.ts';
import { saveImage } from '../../../transport/index.ts';

/** The image as an OCI layout folder, which every builder reads. @returns folder and tag */
export async function layoutOf(
  image: ResolvedImage,
  directory: string,
  signal?: AbortSignal,
): Promise<{ readonly folder: string; readonly tag: string }> {
  const tag = digestHex(image.digest).slice(0, 32);
  const folder = join(directory, tag);
  await mkdir(folder, { recursive: true });
  await saveImage(image, { kind: 'oci', directory: folder, tag }, signal === undefined ? {} : { signal });
  return { folder, tag };
}
