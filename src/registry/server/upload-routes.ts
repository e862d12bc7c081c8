import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { type Digest, digestOf } from '../../oci/index.ts';

import { registryError } from '../errors.ts';
import { linkWithin } from './link-within.ts';
import { mountBlob } from './mount.ts';
import type { RegistryContext } from './options.ts';
import { digest as parseDigest } from './path.ts';
import { parseChunkRange } from './range.ts';
import type { Uploads } from './uploads.ts';

type UploadPath = { readonly repository: string; readonly id: string };

/** What a POST may announce with `?digest-algorithm=`; the digest of the closing PUT decides. */
const ALGORITHMS: ReadonlySet<string> = new Set(['sha256', 'sha512']);

const EMPTY = digestOf('');

const bodyOf = (request: FastifyRequest): Readable | undefined => request.body as Readable | undefined;

/** POST: mount a blob of another repository, take it whole (`?digest=`), or begin an upload. */
export async function startUpload(
  context: RegistryContext,
  uploads: Uploads,
  repository: string,
  query: URLSearchParams,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const mount = query.get('mount');
  if (mount !== null) {
    const digest = parseDigest(mount);
    if (await mountBlob(context, repository, digest, query.get('from') ?? undefined, request)) {
      return created(reply, repository, digest);
    }
  }
  const algorithm = query.get('digest-algorithm');
  if (algorithm !== null && !ALGORITHMS.has(algorithm)) {
    throw registryError('REGISTRY_DIGEST_INVALID', `unsupported algorithm: ${JSON.stringify(algorithm.slice(0, 50))}`);
  }
  await context.quota?.before(repository, declaredBy(request));
  const whole = query.get('digest');
  const body = bodyOf(request);
  // A POST without a body announces an upload, except where no body is just what the digest says.
  if (whole !== null && (body !== undefined || whole === EMPTY)) {
    const digest = parseDigest(whole);
    const { size } = await uploads.whole(body, digest);
    await linkWithin(context, repository, digest, size);
    return created(reply, repository, digest);
  }
  return progress(reply.code(202), repository, await uploads.start(repository));
}

/** PATCH: one chunk; with Content-Range it must follow the bytes before it. */
export async function appendChunk(
  context: RegistryContext,
  uploads: Uploads,
  { repository, id }: UploadPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const before = (await uploads.state(repository, id)).size;
  await context.quota?.before(repository, before + declaredBy(request));
  const range = chunkRange(request);
  const length = request.headers['content-length'];
  if (range !== undefined && length !== undefined && Number(length) !== range.end - range.start + 1) {
    throw registryError('REGISTRY_BLOB_UPLOAD_INVALID', 'Content-Range and Content-Length say different lengths');
  }
  try {
    const after = await uploads.append(repository, id, bodyOf(request), range?.start);
    return progress(reply.code(202), repository, after);
  } catch (error) {
    progress(reply, repository, { id, size: before }, false);
    throw error;
  }
}

/** PUT: the last chunk, or nothing more, and the digest of it all. */
export async function finishUpload(
  context: RegistryContext,
  uploads: Uploads,
  { repository, id }: UploadPath,
  query: URLSearchParams,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const digest = parseDigest(query.get('digest') ?? '');
  await context.quota?.before(repository, declaredBy(request));
  const { size } = await uploads.finish(repository, id, bodyOf(request), digest, chunkRange(request)?.start);
  await linkWithin(context, repository, digest, size);
  return created(reply, repository, digest);
}

/** GET: how far an upload has got. */
export async function uploadStatus(
  uploads: Uploads,
  { repository, id }: UploadPath,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return progress(reply.code(204), repository, await uploads.state(repository, id));
}

export async function cancelUpload(
  uploads: Uploads,
  { repository, id }: UploadPath,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await uploads.cancel(repository, id);
  return reply.code(204).send();
}

/** Bytes that a request says it brings; 0 where it does not say. */
const declaredBy = (request: FastifyRequest): number => Number(request.headers['content-length'] ?? 0);

function chunkRange(request: FastifyRequest): { start: number; end: number } | undefined {
  const header = request.headers['content-range'];
  if (header === undefined) return undefined;
  const range = parseChunkRange(header);
  if (range !== undefined) return range;
  throw registryError('REGISTRY_BLOB_UPLOAD_INVALID', `cannot read Content-Range ${JSON.stringify(header)}`);
}

/** `Range` as clients expect it: both ends inclusive, and `0-0` also for nothing yet. */
function progress(
  reply: FastifyReply,
  repository: string,
  { id, size }: { readonly id: string; readonly size: number },
  send = true,
): FastifyReply {
  reply
    .header('location', `/v2/${repository}/blobs/uploads/${id}`)
    .header('docker-upload-uuid', id)
    .header('range', `0-${Math.max(0, size - 1)}`);
  return send ? reply.send() : reply;
}

function created(reply: FastifyReply, repository: string, digest: Digest): FastifyReply {
  return reply
    .code(201)
    .header('location', `/v2/${repository}/blobs/${digest}`)
    .header('docker-content-digest', digest)
    .send();
}
