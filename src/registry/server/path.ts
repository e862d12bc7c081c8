import { type Digest, isDigest, isRepositoryName, isTag } from '../../oci/index.ts';
import { registryError } from '../errors.ts';

/** What a path under /v2/ names (distribution-spec, "Endpoints"). */
export type RegistryPath =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'unknown' };

/** Repository names hold slashes and may themselves contain `blobs` or `manifests`: the last such part decides. */
const SHAPES = [
  [/^(.+)\/blobs\/uploads\/?$/, (repository) => ({ kind: 'uploads', repository })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (repository, id) => ({ kind: 'upload', repository, id })],
  [/^(.+)\/tags\/list$/, (repository) => ({ kind: 'tags', repository })],
  [/^(.+)\/manifests\/([^/]+)$/, (repository, text) => ({ kind: 'manifest', repository, reference: reference(text) })],
  [/^(.+)\/blobs\/([^/]+)$/, (repository, text) => ({ kind: 'blob', repository, digest: digest(text) })],
  [/^(.+)\/referrers\/([^/]+)$/, (repository, text) => ({ kind: 'referrers', repository, digest: digest(text) })],
] as const satisfies readonly (readonly [RegExp, (repository: string, last: string) => RegistryPath])[];

/**
 * Reads a request path, `/v2/…` without its query.
 * @throws REGISTRY_NAME_INVALID, REGISTRY_DIGEST_INVALID, REGISTRY_TAG_INVALID
 */
export function parsePath(path: string): RegistryPath {
  const rest = decoded(path.replace(/^\/v2\/?/, ''));
  if (rest === '') return { kind: 'base' };
  if (rest === '_catalog') return { kind: 'catalog' };
  for (const [shape, build] of SHAPES) {
    const match = shape.exec(rest);
    if (match === null) continue;
    return build(repositoryName(match[1] as string), match[2] ?? '');
  }
  return { kind: 'unknown' };
}

/** @throws REGISTRY_NAME_INVALID */
export function repositoryName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw registryError('REGISTRY_NAME_INVALID', `invalid repository name: ${JSON.stringify(text.slice(0, 300))}`);
}

/** @throws REGISTRY_DIGEST_INVALID */
export function digest(text: string): Digest {
  if (isDigest(text)) return text;
  throw registryError('REGISTRY_DIGEST_INVALID', `invalid digest: ${JSON.stringify(text.slice(0, 200))}`);
}

function reference(text: string): string {
  if (text.includes(':')) return digest(text);
  if (isTag(text)) return text;
  throw registryError('REGISTRY_TAG_INVALID', `invalid tag: ${JSON.stringify(text.slice(0, 200))}`);
}

/** An encoded slash is no part separator and belongs to no name: what a proxy before us judged must be what we read. */
function decoded(text: string): string {
  if (/%2f|%5c|%00/i.test(text)) {
    throw registryError('REGISTRY_NAME_INVALID', 'the path has an encoded slash, backslash or NUL');
  }
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    throw registryError('REGISTRY_NAME_INVALID', 'the path is not valid percent-encoding');
  }
}
