import { type Digest, isDigest } from '../oci/index.ts';

/** An image that may be the base of another. */
export interface KnownImage {
  readonly digest: Digest;
  readonly diffIds: readonly Digest[];
}

export type BaseEvidence = 'recipe' | 'annotation' | 'layers';

export interface Base {
  readonly digest: Digest;
  readonly name: string | undefined;
  readonly evidence: BaseEvidence;
}

/** image-spec annotations.md */
export const BASE_DIGEST_ANNOTATION = 'org.opencontainers.image.base.digest';
export const BASE_NAME_ANNOTATION = 'org.opencontainers.image.base.name';

/** What the image, or the recipe it was made from, says of its base itself. A recipe knows best. */
export function declaredBase(
  annotations: Readonly<Record<string, string>>,
  recipeBase?: { readonly digest: Digest; readonly name?: string },
): Base | undefined {
  if (recipeBase !== undefined) return { digest: recipeBase.digest, name: recipeBase.name, evidence: 'recipe' };
  const digest = annotations[BASE_DIGEST_ANNOTATION];
  if (digest === undefined || !isDigest(digest)) return undefined;
  return { digest, name: annotations[BASE_NAME_ANNOTATION], evidence: 'annotation' };
}

/**
 * The known image whose whole layer stack is the longest proper prefix of the child's. Ties (the same layers under
 * another config) go to the first known. An image without layers is nobody's base.
 */
export function findBase(
  child: { readonly diffIds: readonly Digest[]; readonly annotations?: Readonly<Record<string, string>> },
  known: readonly KnownImage[],
  recipeBase?: { readonly digest: Digest; readonly name?: string },
): Base | undefined {
  const declared = declaredBase(child.annotations ?? {}, recipeBase);
  if (declared !== undefined) return declared;
  let best: KnownImage | undefined;
  for (const image of known) {
    const length = image.diffIds.length;
    if (length === 0 || length >= child.diffIds.length || length <= (best?.diffIds.length ?? 0)) continue;
    if (image.diffIds.every((diffId, index) => diffId === child.diffIds[index])) best = image;
  }
  return best === undefined ? undefined : { digest: best.digest, name: undefined, evidence: 'layers' };
}
