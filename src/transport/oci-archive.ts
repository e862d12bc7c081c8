import { hash } from 'node:crypto';
import { isHeraklitError } from '../base/index.ts';
import {
  type Digest,
  digestAlgorithm,
  digestHex,
  type ImageIndex,
  ociError,
  type Platform,
  type ResolvedImage,
} from '../oci/index.ts';
import { blobMissing, checkIndex, storageError, verifying } from '../storage/index.ts';
import { transportError } from './errors.ts';
import { fromIndex } from './layout.ts';
import type { ImageSource } from './source.ts';
import type { TarMembers } from './tar-members.ts';

/** Bytes of an index.json. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;

export const isOciArchive = (members: TarMembers): boolean => members.has('oci-layout') && members.has('index.json');

/** Opens an image in a tar archive of an OCI layout. */
export async function openOciArchive(
  members: TarMembers,
  tag: string | undefined,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  if (!isOciArchive(members)) {
    const docker = members.has('manifest.json') ? '; it looks like docker save: use docker-archive:' : '';
    throw transportError('TRANSPORT_ARCHIVE_INVALID', `${members.path} holds no OCI layout${docker}`);
  }
  return fromIndex(archiveSource(members), await readArchiveIndex(members), tag, platform);
}

/** @throws TRANSPORT_ARCHIVE_INVALID */
export async function readArchiveIndex(members: TarMembers): Promise<ImageIndex> {
  const where = `index.json of ${members.path}`;
  try {
    return checkIndex(JSON.parse((await members.read('index.json', MAX_INDEX_BYTES)).toString()), where);
  } catch (error) {
    if (isHeraklitError(error) && error.code !== 'STORAGE_LAYOUT_INVALID') throw error;
    throw transportError('TRANSPORT_ARCHIVE_INVALID', `${where} is no OCI image index`, { cause: error });
  }
}

const nameOfBlob = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;

export function archiveSource(members: TarMembers): ImageSource {
  const sizeOf = (digest: Digest): number => {
    const size = members.size(nameOfBlob(digest));
    if (size === undefined) throw blobMissing(digest, members.path);
    return size;
  };
  return {
    where: members.path,
    ownChunks: true,
    async open(digest) {
      return verifying(members.stream(nameOfBlob(digest)), digest, sizeOf(digest));
    },
    async read(digest, limit) {
      const size = sizeOf(digest);
      if (size > limit)
        throw storageError('BLOB_TOO_LARGE', `${members.path}: ${digest} has ${size} bytes, over ${limit}`);
      const bytes = await members.read(nameOfBlob(digest), limit);
      if (hash(digestAlgorithm(digest), bytes) === digestHex(digest)) return bytes;
      throw ociError('OCI_DIGEST_MISMATCH', `${members.path}: the bytes of ${digest} do not hash to it`);
    },
    size: async (digest) => members.size(nameOfBlob(digest)),
  };
}
