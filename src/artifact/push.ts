import { type Clock, type Progress, silentProgress, systemClock } from '../base/index.ts';
import type { Descriptor } from '../oci/index.ts';
import { bytesContent, fileContent } from './content.ts';
import { artifactError } from './errors.ts';
import { type FileArgument, typeOfFile } from './file-argument.ts';
import { artifactManifest, EMPTY, EMPTY_BYTES } from './manifest.ts';
import { type ArtifactContent, type ArtifactRepository, TITLE } from './types.ts';

/** Blobs on their way at once. */
const PARALLEL = 3;

export interface ArtifactToPush {
  readonly contents: readonly ArtifactContent[];
  /** An image config of its own type (Helm); the empty one otherwise. */
  readonly config?: ArtifactContent;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the artifact says something about. */
  readonly subject?: Descriptor;
  readonly tag?: string;
}

export interface PushedArtifact {
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly files: readonly Descriptor[];
}

export interface PushArtifactOptions {
  readonly clock?: Clock;
  readonly progress?: Progress;
}

/** Files and folders as contents, in the order given. @throws ARTIFACT_FILE_INVALID, also for two of one name */
export async function contentsOf(files: readonly FileArgument[]): Promise<readonly ArtifactContent[]> {
  const contents: ArtifactContent[] = [];
  try {
    for (const file of files) contents.push(await fileContent(file));
    const titles = contents.map(({ descriptor }) => descriptor.annotations?.[TITLE]);
    const twice = titles.find((title, at) => titles.indexOf(title) !== at);
    if (twice !== undefined) {
      throw artifactError('ARTIFACT_FILE_INVALID', `two files would be pulled as ${twice}`, {
        hint: 'Files named by absolute paths keep their last part only; name them relative to the folder you are in.',
      });
    }
  } catch (error) {
    await discardAll(contents);
    throw error;
  }
  return contents;
}

/** A file as the artifact's config: it has a type, and no name. */
export async function configOf(file: FileArgument): Promise<ArtifactContent> {
  const content = await fileContent({ ...file, mediaType: typeOfFile(file) });
  const { mediaType, digest, size } = content.descriptor;
  return { ...content, descriptor: { mediaType, digest, size } };
}

/**
 * Blobs, then the manifest: a tag never names what is not there. Pushed again it sends nothing that is there.
 * @throws REGISTRY_…, DISK_FULL
 */
export async function pushArtifact(
  repository: ArtifactRepository,
  artifact: ArtifactToPush,
  { clock = systemClock, progress = silentProgress }: PushArtifactOptions = {},
): Promise<PushedArtifact> {
  const { contents } = artifact;
  const config = artifact.config ?? bytesContent(EMPTY_BYTES, EMPTY.mediaType);
  const files = contents.map(({ descriptor }) => descriptor);
  try {
    const blobs = [...new Map([config, ...contents].map((one) => [one.descriptor.digest, one])).values()];
    await pushAll(repository, blobs, progress);
    const { descriptor, bytes } = artifactManifest({
      artifactType: artifact.artifactType,
      config: artifact.config?.descriptor,
      layers: files,
      subject: artifact.subject,
      annotations: artifact.annotations ?? {},
      created: clock.now(),
    });
    await repository.pushManifest(descriptor, bytes, artifact.tag);
    return { descriptor, config: config.descriptor, files };
  } finally {
    await discardAll(contents);
  }
}

async function pushAll(
  repository: ArtifactRepository,
  contents: readonly ArtifactContent[],
  progress: Progress,
): Promise<void> {
  const waiting = [...contents];
  const total = contents.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let content = waiting.shift(); content !== undefined; content = waiting.shift()) {
      await repository.pushBlob(content);
      done += content.descriptor.size;
      progress.update('push', done, total, repository.where);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function discardAll(contents: readonly ArtifactContent[]): Promise<void> {
  await Promise.all(contents.map((content) => content.discard?.()));
}
