import { buffer } from 'node:stream/consumers';
import { type Progress, silentProgress } from '../base/index.ts';
import {
  type Descriptor,
  hostPlatform,
  type ImageManifest,
  isIndexType,
  MAX_MANIFEST_BYTES,
  MediaType,
  type Platform,
  parseIndex,
  parseManifest,
  selectPlatform,
} from '../oci/index.ts';
import { chartFileName, HELM_CHART, HELM_CONFIG } from './helm-chart.ts';
import { saveFile, saveFolder } from './save-file.ts';
import { type ArtifactRepository, type FoundManifest, TITLE, UNPACK } from './types.ts';

export interface PullArtifactOptions {
  /** Folder to write into, made where there is none. */
  readonly directory: string;
  /** Refuse to replace files that are there. */
  readonly keep?: boolean;
  /** Of an index; the host's by default. */
  readonly platform?: Platform;
  readonly progress?: Progress;
}

export interface PulledFile {
  readonly path: string;
  readonly descriptor: Descriptor;
}

export interface PulledArtifact {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly files: readonly PulledFile[];
  /** Blobs without a file name: layers of an image, say. */
  readonly unnamed: readonly Descriptor[];
}

/**
 * Writes an artifact's files into a folder, each whole and verified or not at all.
 * @throws ARTIFACT_TITLE_INVALID, ARTIFACT_FILE_EXISTS, OCI_DIGEST_MISMATCH, REGISTRY_…
 */
export async function pullArtifact(
  repository: ArtifactRepository,
  name: string | undefined,
  { directory, keep = false, platform, progress = silentProgress }: PullArtifactOptions,
): Promise<PulledArtifact> {
  const { descriptor, bytes } = await oneManifest(repository, name, platform);
  const manifest = parseManifest(bytes);
  const layers = manifest.layers.filter(({ mediaType }) => mediaType !== MediaType.empty);
  const chart = await chartName(repository, manifest);
  const files: PulledFile[] = [];
  const unnamed: Descriptor[] = [];
  for (const layer of layers) {
    const title = layer.annotations?.[TITLE] ?? (layer.mediaType === HELM_CHART ? chart : undefined);
    if (title === undefined) {
      unnamed.push(layer);
      continue;
    }
    const content = await repository.blob(layer.digest);
    const folder = layer.annotations?.[UNPACK] === 'true';
    const path = folder
      ? await saveFolder(directory, title, content, layer, { keep })
      : await saveFile(directory, title, content, layer.size, { keep });
    files.push({ path, descriptor: layer });
    progress.update('pull', files.length, layers.length, title);
  }
  return { descriptor, manifest, files, unnamed };
}

/** Follows one index to the image of a platform. */
async function oneManifest(
  repository: ArtifactRepository,
  name: string | undefined,
  platform: Platform | undefined,
): Promise<FoundManifest> {
  const found = await repository.manifest(name);
  if (!isIndexType(found.descriptor.mediaType)) return found;
  const { digest } = selectPlatform(parseIndex(found.bytes), platform ?? hostPlatform());
  return repository.manifest(digest);
}

/** Helm names the file after the chart, and writes no title. */
async function chartName(repository: ArtifactRepository, { config }: ImageManifest): Promise<string | undefined> {
  if (config.mediaType !== HELM_CONFIG || config.size > MAX_MANIFEST_BYTES) return undefined;
  const bytes = await buffer(await repository.blob(config.digest));
  const { name, version } = JSON.parse(bytes.toString('utf8')) as { name?: unknown; version?: unknown };
  return typeof name === 'string' && typeof version === 'string' ? chartFileName(name, version) : undefined;
}
