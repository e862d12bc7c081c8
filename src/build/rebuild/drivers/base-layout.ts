import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestHex, digestOf, type ImageManifest, type ResolvedImage, serialize } from '../../../oci/index.ts';
import { type ImageToSave, saveImage } from '../../../transport/index.ts';
import { completeHistory, hasHonestHistory } from '../history.ts';

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

/**
 * With a history that tells of every layer, as builders ask of what they build on step by step; what does not fit its layers
 * is left out. `importResult` completes others in the same way.
 */
function withUsableHistory(image: ResolvedImage): ImageToSave {
  const layers = image.config.rootfs.diff_ids.length;
  const honest = hasHonestHistory(image.config);
  if (honest && (image.config.history ?? []).length >= layers) return image;
  const config = { ...image.config, history: completeHistory(honest ? (image.config.history ?? []) : [], layers) };
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
