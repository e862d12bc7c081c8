import {
  type Attachment,
  attestationError,
  type Collected,
  collectEvidence,
  type EvidenceSource,
  type VerifyKey,
} from '../attestation/index.ts';
import { isHeraklitError } from '../base/index.ts';
import { type Descriptor, type Digest, parseManifest } from '../oci/index.ts';
import { bytesContent } from './content.ts';
import type { ArtifactRepository, FoundManifest } from './types.ts';

const ABSENT = ['REGISTRY_MANIFEST_UNKNOWN', 'TRANSPORT_IMAGE_MISSING'] as const;

/** Undefined where there is no such tag. */
async function taggedIn(repository: ArtifactRepository, tag: string): Promise<FoundManifest | undefined> {
  try {
    return await repository.manifest(tag);
  } catch (error) {
    if (isHeraklitError(error, ...ABSENT)) return undefined;
    throw error;
  }
}

/** Signatures and attestations of the images in a repository. */
export function evidenceIn(repository: ArtifactRepository): EvidenceSource {
  return {
    async tagged(tag) {
      const found = await taggedIn(repository, tag);
      return found === undefined ? undefined : { digest: found.descriptor.digest, bytes: found.bytes };
    },
    manifest: async ({ digest }) => (await repository.manifest(digest)).bytes,
    blob: (digest, limit) => wholeBlob(repository, digest, limit),
    referrers: (digest) => repository.referrers(digest),
  };
}

async function wholeBlob(repository: ArtifactRepository, digest: Digest, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of (await repository.blob(digest)) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      throw attestationError('ATTESTATION_MALFORMED', `${repository.where}@${digest} has over ${limit} bytes`, {
        hint: 'Its manifest promised fewer, or it is no signature or attestation.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const evidenceOf = (
  repository: ArtifactRepository,
  digest: Digest,
  trusted: readonly VerifyKey[],
): Promise<Collected> => collectEvidence(evidenceIn(repository), digest, trusted);

/** Layers of what a tag names now: what others signed stays when something is added. */
export async function layersUnder(repository: ArtifactRepository, tag: string): Promise<readonly Descriptor[]> {
  const found = await taggedIn(repository, tag);
  if (found === undefined) return [];
  return parseManifest(found.bytes).layers;
}

/** Blobs, then the manifest with its tag. @throws REGISTRY_…, DISK_FULL */
export async function pushAttachment(repository: ArtifactRepository, attachment: Attachment): Promise<void> {
  for (const { descriptor, bytes } of attachment.blobs) {
    await repository.pushBlob(bytesContent(bytes, descriptor.mediaType));
  }
  const { descriptor, bytes } = attachment.manifest;
  await repository.pushManifest(descriptor, bytes, attachment.tag);
}
