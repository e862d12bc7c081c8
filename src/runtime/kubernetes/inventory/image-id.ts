import { type Digest, isDigest } from '../../../oci/index.ts';

/** What a container runs, as the runtime on its node tells it. */
export interface ImageId {
  readonly digest: Digest;
  /** False: the digest of an image configuration, which only the node knows by that name. */
  readonly pullable: boolean;
}

/**
 * `imageID` of a container status, in every spelling that runtimes use: `REPOSITORY@sha256:…` (containerd, CRI-O),
 * `docker-pullable://REPOSITORY@sha256:…` and `docker://sha256:…` (dockershim, cri-dockerd), `sha256:…` (containerd, of an
 * image that was imported) and bare hexadecimal (CRI-O, the same).
 */
export function readImageId(text: string | undefined): ImageId | undefined {
  if (text === undefined || text === '') return undefined;
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    const digest = text.slice(at + 1);
    return isDigest(digest) ? { digest, pullable: true } : undefined;
  }
  const bare = text.replace(/^[a-z-]+:\/\//, '');
  const digest = /^[0-9a-f]{64}$/.test(bare) ? `sha256:${bare}` : bare;
  return isDigest(digest) ? { digest, pullable: false } : undefined;
}
