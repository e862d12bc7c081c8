import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestHex, digestOf, type ImageManifest, type ResolvedImage, serialize } from '../../../oci/index.ts';
import { type ImageToSave, saveImage } from '../../../transport/index.ts';
import { hasHonestHistory } from '../history.ts';

/** The image as an OCI layout folder, which every builder reads. @returns folder and tag */
export async function layoutOf(
  image: ResolvedImage,
  directory: string,
  signal?: AbortSignal,
): Promise<{ readonly folder: string; readonly tag: string }> {
  const tag = digestHex(image.digest).slice(0, 32);
  const folder = join(directory, tag);
  await mkdir(folder, { recursive: true });
  await saveImage(
    withUsableHistory(image),
    { kind: 'oci', directory: folder, tag },
    signal === undefined ? {} : { signal },
  );
  return { folder, tag };
}

/** Without its history where that does not fit its layers; nothing that is built keeps this configuration. */
function withUsableHistory(image: ResolvedImage): ImageToSave {
  if (hasHonestHistory(image.config)) return image;
  const { history: _, ...config } = image.config;
  const bytes = Buffer.from(serialize(config));
  const digest = digestOf(bytes);
  const manifest: ImageManifest = {
    ...image.manifest,
    config: { ...image.manifest.config, digest, size: bytes.byteLength },
  };
  return {
    mediaType: image.mediaType,
    manifest,
    manifestBytes: serialize(manifest),
    config,
    blobs: { open: async (wanted) => (wanted === digest ? Readable.from([bytes]) : image.blobs.open(wanted)) },
  };
}
