import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Digest } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import { registryError } from '../errors.ts';
import { etagOf, isUnchanged, rangeHeader } from './conditions.ts';
import type { RegistryContext } from './options.ts';
import { parseRange } from './range.ts';
import { sendBlob } from './send-blob.ts';

type BlobPath = { readonly repository: string; readonly digest: Digest };

const unknown = ({ repository, digest }: BlobPath): Error =>
  registryError('REGISTRY_BLOB_UNKNOWN', `${repository} has no blob ${digest}`, { details: { digest } });

/** GET and HEAD. The bytes are not hashed again: they were when they were written, and clients hash what they get. */
export async function serveBlob(
  context: RegistryContext,
  path: BlobPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { store, catalogue } = context;
  const { digest } = path;
  const head = request.method === 'HEAD';
  const [linked, size] = await Promise.all([
    // What a push asks for first is new, mostly: without bytes there is no need to ask for the link.
    head ? undefined : catalogue.hasBlob(path.repository, digest),
    // A client that hears a blob is there will not push it.
    head ? relyOn(store, digest) : store.size(digest),
  ]);
  if (!(linked ?? (size !== undefined && (await catalogue.hasBlob(path.repository, digest))))) throw unknown(path);
  if (size === undefined) {
    context.log.error('the catalogue names a blob that the store does not have', { digest });
    throw unknown(path);
  }
  const range = request.method === 'HEAD' ? 'whole' : parseRange(rangeHeader(request.headers, digest), size);
  const unchanged = isUnchanged(request.headers, digest);
  if (range === 'outside' && !unchanged) {
    reply.header('content-range', `bytes */${size}`);
    throw registryError('REGISTRY_RANGE_INVALID', `${digest} has ${size} bytes, not ${request.headers.range}`);
  }
  reply
    .header('docker-content-digest', digest)
    .header('etag', etagOf(digest))
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'max-age=31536000, immutable')
    .header('content-type', 'application/octet-stream');
  if (unchanged || range === 'outside') return reply.code(304).send();
  if (request.method === 'HEAD') return reply.header('content-length', size).send();
  if (store.redirect !== undefined && size > 0) {
    // Signed for a while: whoever keeps the answer longer would come too late.
    return reply.header('cache-control', 'no-store').redirect(await store.redirect(digest), 307);
  }
  if (range === 'whole') {
    reply.header('content-length', size);
    return sendBlob(store, digest, { start: 0, end: size - 1 }, reply, context.log);
  }
  reply
    .code(206)
    .header('content-length', range.end - range.start + 1)
    .header('content-range', `bytes ${range.start}-${range.end}/${size}`);
  return sendBlob(store, digest, range, reply, context.log);
}

/**
 * The repository stops serving the blob; its bytes stay in the store, where other images may need them. One that a
 * manifest names stays served: an image whose layer can be deleted breaks for whoever pulls it next.
 */
export async function deleteBlob(context: RegistryContext, path: BlobPath, reply: FastifyReply): Promise<FastifyReply> {
  const { catalogue } = context;
  if (await catalogue.unlinkBlob(path.repository, path.digest, 'named')) return reply.code(202).send();
  if (!(await catalogue.hasBlob(path.repository, path.digest))) throw unknown(path);
  throw registryError('REGISTRY_UNSUPPORTED', `a manifest of ${path.repository} names ${path.digest}`, {
    details: { digest: path.digest },
    hint: 'Delete the manifests that name it first.',
  });
}
