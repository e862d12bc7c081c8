import type { FastifyRequest } from 'fastify';
import type { Digest } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import type { RegistryContext } from './options.ts';

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
    if (!(await catalogue.hasBlob(source, digest)) || !(await mayRead(context, source, request))) continue;
    const size = await relyOn(store, digest);
    if (size === undefined) return false;
    await catalogue.linkBlob(repository, digest, size);
    return true;
  }
  return false;
}

async function mayRead({ authorize }: RegistryContext, repository: string, request: FastifyRequest): Promise<boolean> {
  try {
    await authorize?.(request, { action: 'pull', repository });
    return true;
  } catch {
    return false;
  }
}
