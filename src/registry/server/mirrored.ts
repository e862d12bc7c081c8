import type { FastifyReply, FastifyRequest } from 'fastify';
import { registryError } from '../errors.ts';
import type { MirroredRepository } from '../mirror/mirror.ts';
import { etagOf } from './conditions.ts';
import type { RegistryPath } from './path.ts';

/** RFC 7234, 5.5.1: obsolete, and still the only word for it. */
const STALE = '110 - "Response is Stale"';

/**
 * Fetches what a call on a mirrored repository needs. `unanswered`: the call goes on as on any repository. (A reply is
 * not returned: awaiting one waits until it is sent.)
 * @throws REGISTRY_DENIED for pushes, and what upstream says
 */
export async function answerMirrored(
  mirrored: MirroredRepository,
  path: RegistryPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<'answered' | 'unanswered'> {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (path.kind === 'upload' || path.kind === 'uploads' || request.method === 'PUT') {
    throw registryError('REGISTRY_DENIED', `this repository mirrors ${mirrored.upstream}: push there`);
  }
  if (!reads) return 'unanswered';
  if (path.kind === 'manifest') {
    if ((await mirrored.manifest(path.reference)) === 'stale') reply.header('warning', STALE);
    return 'unanswered';
  }
  if (path.kind !== 'blob') return 'unanswered';
  const { digest } = path;
  const headers = (size: number): FastifyReply =>
    reply
      .header('docker-content-digest', digest)
      .header('etag', etagOf(digest))
      .header('content-type', 'application/octet-stream')
      .header('content-length', size);
  if (request.method === 'HEAD') {
    const size = await mirrored.blobSize(digest);
    if (size === undefined) return 'unanswered';
    headers(size).send();
    return 'answered';
  }
  const arriving = await mirrored.blob(digest);
  if (arriving === undefined) return 'unanswered';
  if (request.headers.range !== undefined) {
    // A part can be cut from the whole only; it is served from the store when that is there.
    await arriving.stored;
    return 'unanswered';
  }
  headers(arriving.size).send(arriving.stream());
  return 'answered';
}
