import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { digestOf, isDigest } from '../../../oci/index.ts';
import { type BuildCache, CACHE_REPOSITORY } from './build-cache.ts';

/** Bytes of a manifest (distribution-spec asks for at least 4 MiB). */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const ROOT = `/v2/${CACHE_REPOSITORY}`;

/**
 * As much of a registry as builders need for their cache (OCI distribution-spec 1.1: pull, push), for one repository and
 * for nobody but the builder.
 */
export async function answerCache(
  message: IncomingMessage,
  response: ServerResponse,
  cache: BuildCache,
): Promise<void> {
  if (!cache.allows(message.headers.authorization)) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="build cache"' }).end();
    return;
  }
  const url = new URL(message.url ?? '/', 'http://cache');
  const method = message.method ?? 'GET';
  if (url.pathname === '/v2/') {
    response.writeHead(200, { 'docker-distribution-api-version': 'registry/2.0' }).end();
    return;
  }
  const [, kind = '', reference = ''] =
    new RegExp(`^${ROOT}/(manifests|blobs/uploads|blobs)/?([^/]*)$`).exec(url.pathname) ?? [];
  const isRead = method === 'GET' || method === 'HEAD';
  if (kind === 'manifests' && isRead) await readManifest(reference, method, response, cache);
  else if (kind === 'manifests' && method === 'PUT') await writeManifest(reference, message, response, cache);
  else if (kind === 'blobs' && isRead) await readBlob(reference, method, response, cache);
  else if (kind === 'blobs/uploads') await upload(reference, url, message, response, cache);
  else response.writeHead(404).end();
}

async function readManifest(
  reference: string,
  method: string,
  response: ServerResponse,
  cache: BuildCache,
): Promise<void> {
  const found = await cache.manifest(reference);
  if (found === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return;
  }
  response.writeHead(200, {
    'content-type': found.mediaType,
    'content-length': found.bytes.byteLength,
    'docker-content-digest': digestOf(found.bytes),
  });
  response.end(method === 'HEAD' ? undefined : found.bytes);
}

async function writeManifest(
  reference: string,
  message: IncomingMessage,
  response: ServerResponse,
  cache: BuildCache,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) {
      response.writeHead(413).end();
      return;
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const digest = digestOf(bytes);
  if (!isObject(bytes) || (isDigest(reference) && reference !== digest)) {
    response.writeHead(400).end();
    return;
  }
  cache.putManifest(reference, { bytes, mediaType: message.headers['content-type'] ?? 'application/octet-stream' });
  response.writeHead(201, { location: `${ROOT}/manifests/${digest}`, 'docker-content-digest': digest }).end();
}

function isObject(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

async function readBlob(digest: string, method: string, response: ServerResponse, cache: BuildCache): Promise<void> {
  const size = isDigest(digest) ? await cache.blobSize(digest) : undefined;
  const body = size === undefined || method === 'HEAD' || !isDigest(digest) ? undefined : await cache.blob(digest);
  if (size === undefined || (method === 'GET' && body === undefined)) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"BLOB_UNKNOWN"}]}');
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': size,
    'docker-content-digest': digest,
  });
  if (body === undefined) response.end();
  else await pipeline(Readable.from(body, { objectMode: false }), response);
}

async function upload(
  id: string,
  url: URL,
  message: IncomingMessage,
  response: ServerResponse,
  { spool }: BuildCache,
): Promise<void> {
  const accepted = (upload: string, size: number, status = 202): void => {
    const location = `${ROOT}/blobs/uploads/${upload}`;
    response.writeHead(status, { location, range: `0-${Math.max(0, size - 1)}`, 'docker-upload-uuid': upload }).end();
  };
  const digest = url.searchParams.get('digest') ?? '';
  if (message.method === 'POST') {
    accepted(await spool.begin(), 0);
    return;
  }
  const size = await spool.append(id, message as AsyncIterable<Buffer>);
  if (size === undefined) response.writeHead(404).end();
  else if (message.method === 'PATCH') accepted(id, size);
  else if (message.method !== 'PUT' || !isDigest(digest)) response.writeHead(400).end();
  else if (await spool.finish(id, digest))
    response.writeHead(201, { location: `${ROOT}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  else response.writeHead(400, { 'content-type': 'application/json' }).end('{"errors":[{"code":"DIGEST_INVALID"}]}');
}
