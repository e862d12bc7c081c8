import type { Digest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

/** Reads manifests by digest, keeping the last used ones: a digest names the same bytes for ever, so none goes stale. */
export function createManifestCache(
  store: BlobStore,
  limits: { readonly manifestCacheBytes: number; readonly manifestBytes: number },
): (digest: Digest) => Promise<Buffer> {
  const kept = new Map<Digest, Buffer>();
  let total = 0;
  return async (digest) => {
    const known = kept.get(digest);
    if (known !== undefined) {
      kept.delete(digest);
      kept.set(digest, known);
      return known;
    }
    const bytes = await store.read(digest, limits.manifestBytes);
    if (!kept.has(digest)) {
      kept.set(digest, bytes);
      total += bytes.length;
    }
    for (const [oldest, old] of kept) {
      if (total <= limits.manifestCacheBytes) break;
      kept.delete(oldest);
      total -= old.length;
    }
    return bytes;
  };
}
