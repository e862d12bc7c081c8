import { createHash } from 'node:crypto';
import { detectCompression } from '../archive/index.ts';
import {
  type Descriptor,
  type Digest,
  digestOf,
  type ImageManifest,
  MAX_MANIFEST_BYTES,
  MediaType,
  type Platform,
  parseImageConfig,
  type ResolvedImage,
  serialize,
} from '../oci/index.ts';
import { blobMissing, verifying } from '../storage/index.ts';
import { transportError } from './errors.ts';
import { isOciArchive, openOciArchive } from './oci-archive.ts';
import { resolveImage } from './resolve.ts';
import type { ImageSource } from './source.ts';
import type { TarMembers } from './tar-members.ts';

/** Bytes of manifest.json. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
const MAX_LAYERS = 1_000;

/** One image of manifest.json as `docker save` and `podman save` write it. */
interface SavedImage {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

/**
 * Opens an image that `docker save` wrote: an OCI layout where the archive has one (Docker 25 and later), else the
 * older form. That form has no manifest: one is made, the same every time, whose layers are the archive's own bytes.
 */
export async function openDockerArchive(
  members: TarMembers,
  tag: string | undefined,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  if (!members.has('manifest.json')) {
    if (isOciArchive(members)) return openOciArchive(members, tag, platform);
    throw transportError(
      'TRANSPORT_ARCHIVE_INVALID',
      `${members.path} holds no manifest.json, so docker save did not write it`,
    );
  }
  if (isOciArchive(members)) return openOciArchive(members, tag, platform);
  const saved = chooseSaved(await readList(members), tag, members.path);
  const { manifest, names } = await manifestOf(members, saved);
  const bytes = serialize(manifest);
  const descriptor: Descriptor = { mediaType: MediaType.manifest, digest: digestOf(bytes), size: bytes.length };
  return resolveImage(savedSource(members, names, descriptor.digest, bytes), descriptor, platform);
}

async function readList(members: TarMembers): Promise<readonly SavedImage[]> {
  let list: unknown;
  try {
    list = JSON.parse((await members.read('manifest.json', MAX_LIST_BYTES)).toString());
  } catch (error) {
    throw transportError('TRANSPORT_ARCHIVE_INVALID', `${members.path}: manifest.json is not JSON`, { cause: error });
  }
  if (Array.isArray(list) && list.every(isSaved)) return list;
  throw transportError('TRANSPORT_ARCHIVE_INVALID', `${members.path}: manifest.json is not what docker save writes`);
}

function isSaved(value: unknown): value is SavedImage {
  const it = value as SavedImage | null;
  const texts = (list: unknown): boolean => Array.isArray(list) && list.every((one) => typeof one === 'string');
  return (
    it !== null &&
    typeof it === 'object' &&
    typeof it.Config === 'string' &&
    texts(it.Layers) &&
    it.Layers.length <= MAX_LAYERS &&
    (it.RepoTags === undefined || it.RepoTags === null || texts(it.RepoTags))
  );
}

/** @throws TRANSPORT_IMAGE_MISSING, TRANSPORT_IMAGE_AMBIGUOUS */
function chooseSaved(list: readonly SavedImage[], tag: string | undefined, path: string): SavedImage {
  const names = list.flatMap((image) => image.RepoTags ?? []).slice(0, 20);
  const found =
    tag === undefined ? list : list.filter((image) => image.RepoTags?.some((name) => name.endsWith(`:${tag}`)));
  const [first] = found;
  if (first === undefined) {
    throw transportError(
      'TRANSPORT_IMAGE_MISSING',
      `no image ${tag ?? ''} in ${path}: it has ${names.join(', ') || 'none'}`,
    );
  }
  if (found.length === 1) return first;
  throw transportError('TRANSPORT_IMAGE_AMBIGUOUS', `${path} holds ${found.length} images: ${names.join(', ')}`, {
    hint: 'Say which: append :TAG.',
    details: { names },
  });
}

async function manifestOf(
  members: TarMembers,
  saved: SavedImage,
): Promise<{ manifest: ImageManifest; names: ReadonlyMap<Digest, string> }> {
  const configBytes = await members.read(saved.Config, MAX_MANIFEST_BYTES);
  const config: Descriptor = { mediaType: MediaType.config, digest: digestOf(configBytes), size: configBytes.length };
  const { diff_ids: diffIds } = parseImageConfig(configBytes).rootfs;
  if (diffIds.length !== saved.Layers.length) {
    throw transportError(
      'TRANSPORT_ARCHIVE_INVALID',
      `${members.path}: manifest.json names ${saved.Layers.length} layers, the config ${diffIds.length}`,
    );
  }
  const names = new Map<Digest, string>([[config.digest, saved.Config]]);
  const layers: Descriptor[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const name = saved.Layers[index] as string;
    const layer = await layerOf(members, name, diffId);
    names.set(layer.digest, name);
    layers.push(layer);
  }
  return { manifest: { schemaVersion: 2, mediaType: MediaType.manifest, config, layers }, names };
}

/** Docker writes layers uncompressed, so a layer's digest is its diff id; some builders compress them all the same. */
async function layerOf(members: TarMembers, name: string, diffId: Digest): Promise<Descriptor> {
  const size = members.size(name);
  if (size === undefined) throw blobMissing(diffId, `${members.path} (${name})`);
  const compression = detectCompression(await members.peek(name, 16));
  if (compression === 'none') return { mediaType: MediaType.layer, digest: diffId, size };
  if (compression !== 'gzip' && compression !== 'zstd') {
    throw transportError(
      'TRANSPORT_ARCHIVE_INVALID',
      `${members.path}: layer ${name} is compressed with ${compression}`,
    );
  }
  const sum = createHash('sha256');
  for await (const chunk of members.stream(name) as AsyncIterable<Buffer>) sum.update(chunk);
  const mediaType = compression === 'gzip' ? MediaType.layerGzip : MediaType.layerZstd;
  return { mediaType, digest: `sha256:${sum.digest('hex')}`, size };
}

function savedSource(
  members: TarMembers,
  names: ReadonlyMap<Digest, string>,
  manifestDigest: Digest,
  manifestBytes: Buffer,
): ImageSource {
  const nameOf = (digest: Digest): string => {
    const name = names.get(digest);
    if (name === undefined || !members.has(name)) throw blobMissing(digest, members.path);
    return name;
  };
  return {
    where: members.path,
    ownChunks: true,
    async open(digest) {
      const name = nameOf(digest);
      return verifying(members.stream(name), digest, members.size(name));
    },
    async read(digest, limit) {
      return digest === manifestDigest ? manifestBytes : members.read(nameOf(digest), limit);
    },
    size: async (digest) => members.size(nameOf(digest)),
  };
}
