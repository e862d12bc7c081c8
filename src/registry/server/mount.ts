import type { FastifyRequest } from 'fastify';
import { isHeraklitError } from '../../base/index.ts';
import { type Digest, isRepositoryName } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import { linkWithin } from './link-within.ts';
import type { RegistryAccess, RegistryContext } from './options.ts';
import type { RegistryPath } from './path.ts';

/** Repositories looked at for a blob that a client asks for without saying where it is. */
const MAX_SOURCES = 16;

/**
 * Links a blob that another repository serves. Only from one that the client may read: a digest alone proves no right
 * to the bytes. Without `from` any such repository will do ("automatic content discovery").
 */
export async function mountBlob(
  context: RegistryContext,
  repository: string,
  digest: Digest,
  from: string | undefined,
  request: FastifyRequest,
): Promise<boolean> {
  const { catalogue, store } = context;
  const sources = from === undefined ? await catalogue.repositoriesWith(digest, MAX_SOURCES) : [from];
  for (const source of sources) {
    if (!(await catalogue.hasBlob(source, digest))) continue;
    if (!(await mayRead(context, repository, source, from !== undefined, request))) continue;
    const size = await relyOn(store, digest);
    if (size === undefined) return false;
    await linkWithin(context, repository, digest, size);
    return true;
  }
  return false;
}

/** @throws REGISTRY_UNAUTHORIZED where another token would do, for a source that the client names */
async function mayRead(
  { authorize }: RegistryContext,
  repository: string,
  source: string,
  named: boolean,
  request: FastifyRequest,
): Promise<boolean> {
  try {
    await authorize?.(request, { action: 'pull', repository: source, beside: { action: 'push', repository } });
    return true;
  } catch (error) {
    // A token is for what its client asked for; who says no to the account itself means an upload instead.
    const hasToken = /^bearer /i.test(request.headers.authorization ?? '');
    if (named && hasToken && isHeraklitError(error, 'REGISTRY_UNAUTHORIZED')) throw error;
    return false;
  }
}

/** The second repository that a mount needs; undefined for any other request. */
export function mountSource(path: RegistryPath, query: URLSearchParams): RegistryAccess['beside'] {
  const from = query.get('from');
  if (path.kind !== 'uploads' || from === null || !query.has('mount') || !isRepositoryName(from)) return undefined;
  return { action: 'pull', repository: from };
}
