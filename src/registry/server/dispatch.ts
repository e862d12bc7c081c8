import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Digest } from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { deleteBlob, serveBlob } from './blob-routes.ts';
import { listReferrers, listRepositories, listTags } from './list-routes.ts';
import { deleteManifest, putManifest, serveManifest } from './manifest-routes.ts';
import { answerMirrored } from './mirrored.ts';
import type { RegistryAction, RegistryContext } from './options.ts';
import type { RegistryPath } from './path.ts';
import { appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from './upload-routes.ts';
import type { Uploads } from './uploads.ts';

/** One request and what it is answered from. */
export interface Call {
  readonly context: RegistryContext;
  readonly uploads: Uploads;
  readonly read: (digest: Digest) => Promise<Buffer>;
  readonly query: URLSearchParams;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
type Answer<Path> = (path: Path, call: Call) => Promise<FastifyReply> | FastifyReply;
type Table = {
  readonly [Kind in RegistryPath['kind']]: Partial<Record<Method, Answer<Extract<RegistryPath, { kind: Kind }>>>>;
};

/** The distribution specification's endpoints; HEAD goes where GET goes. */
const TABLE: Table = {
  base: { GET: (_path, { reply }) => reply.header('content-type', 'application/json').send('{}') },
  catalog: { GET: (_path, { context, query, reply }) => listRepositories(context, query, reply) },
  tags: { GET: (path, { context, query, reply }) => listTags(context, path.repository, query, reply) },
  referrers: {
    GET: (path, { context, query, reply }) => listReferrers(context, path.repository, path.digest, query, reply),
  },
  manifest: {
    GET: (path, { context, read, request, reply }) => serveManifest(context, read, path, request, reply),
    PUT: (path, { context, query, request, reply }) => putManifest(context, path, query, request, reply),
    DELETE: (path, { context, request, reply }) => deleteManifest(context, path, request, reply),
  },
  blob: {
    GET: (path, { context, request, reply }) => serveBlob(context, path, request, reply),
    DELETE: (path, { context, reply }) => deleteBlob(context, path, reply),
  },
  uploads: {
    POST: (path, { context, uploads, query, request, reply }) =>
      startUpload(context, uploads, path.repository, query, request, reply),
  },
  upload: {
    GET: (path, { uploads, reply }) => uploadStatus(uploads, path, reply),
    PATCH: (path, { context, uploads, request, reply }) => appendChunk(context, uploads, path, request, reply),
    PUT: (path, { context, uploads, query, request, reply }) =>
      finishUpload(context, uploads, path, query, request, reply),
    DELETE: (path, { uploads, reply }) => cancelUpload(uploads, path, reply),
  },
  unknown: {},
};

/** @throws REGISTRY_UNSUPPORTED and what the endpoint throws */
export async function answer(path: RegistryPath, call: Call): Promise<FastifyReply> {
  const { request, reply } = call;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = TABLE[path.kind][method as Method] as Answer<RegistryPath> | undefined;
  const refused = method === 'DELETE' && path.kind !== 'upload' && call.context.deletes === false;
  if (found !== undefined && !refused) {
    const mirrored = 'repository' in path ? call.context.mirror?.of(path.repository) : undefined;
    if (mirrored !== undefined && (await answerMirrored(mirrored, path, request, reply)) === 'answered') return reply;
    return found(path, call);
  }
  if (path.kind === 'unknown') throw registryError('REGISTRY_NAME_UNKNOWN', 'the path names nothing in a registry');
  const allowed = Object.keys(TABLE[path.kind]).filter((one) => !(refused && one === 'DELETE'));
  reply.header('allow', allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', '));
  if (refused && found !== undefined) {
    throw registryError('REGISTRY_UNSUPPORTED', 'this registry deletes nothing');
  }
  throw registryError('REGISTRY_UNSUPPORTED', `${request.method} ${request.url.split('?', 1)[0]} is no call here`);
}

export function actionOf(path: RegistryPath, method: string): RegistryAction {
  if (path.kind === 'catalog') return 'catalog';
  if (path.kind === 'upload' || path.kind === 'uploads') return 'push';
  if (method === 'DELETE') return 'delete';
  return method === 'GET' || method === 'HEAD' ? 'pull' : 'push';
}
