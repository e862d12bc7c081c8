import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Descriptor, type Digest, isDigest } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import { registryError } from '../errors.ts';
import { type CheckedManifest, checkManifest } from './manifest-check.ts';
import type { RegistryContext } from './options.ts';
import { chunksOf } from './uploads.ts';

type ManifestPath = { readonly repository: string; readonly reference: string };

const unknown = ({ repository, reference }: ManifestPath): Error =>
  registryError('REGISTRY_MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`, { details: { reference } });

/** GET and HEAD, by tag or digest: the bytes as they were pushed, whatever the client accepts. */
export async function serveManifest(
  context: RegistryContext,
  read: (digest: Digest) => Promise<Buffer>,
  path: ManifestPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await context.catalogue.resolve(path.repository, path.reference);
  if (found === undefined) throw unknown(path);
  reply
    .header('docker-content-digest', found.digest)
    .header('etag', `"${found.digest}"`)
    .header('content-type', found.mediaType);
  if (request.headers['if-none-match'] === `"${found.digest}"`) return reply.code(304).send();
  if (request.method === 'HEAD') return reply.header('content-length', found.size).send();
  return reply.send(await read(found.digest));
}

export async function putManifest(
  context: RegistryContext,
  path: ManifestPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { repository, reference } = path;
  const bytes = await readBody(request.body as Readable | undefined, context.limits.manifestBytes);
  const manifest = checkManifest(bytes, request.headers['content-type']);
  await checkPresent(context, repository, manifest);
  const { digest } = isDigest(reference)
    ? await context.store.write(Readable.from([bytes]), { digest: reference, size: bytes.length })
    : await context.store.put(bytes);
  const descriptor = describe(manifest, digest, bytes.length);
  await context.catalogue.putManifest(
    {
      repository,
      descriptor,
      blobs: manifest.blobs,
      names: manifest.names,
      ...(isDigest(reference) ? {} : { tag: reference }),
      ...(manifest.subject === undefined ? {} : { subject: manifest.subject }),
    },
    {
      within: async ([published], trx) => {
        if (published !== undefined) await context.onPush?.({ ...published, descriptor }, trx);
      },
    },
  );
  if (manifest.subject !== undefined) reply.header('oci-subject', manifest.subject);
  return reply
    .code(201)
    .header('location', `/v2/${repository}/manifests/${digest}`)
    .header('docker-content-digest', digest)
    .send();
}

export async function deleteManifest(
  context: RegistryContext,
  path: ManifestPath,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { repository, reference } = path;
  const gone = isDigest(reference)
    ? await context.catalogue.deleteManifest(repository, reference)
    : await context.catalogue.deleteTag(repository, reference);
  if (!gone) throw unknown(path);
  return reply.code(202).send();
}

/** Everything a manifest names is in its repository, in the store, and as long as it says. */
async function checkPresent(
  { catalogue, store }: RegistryContext,
  repository: string,
  manifest: CheckedManifest,
): Promise<void> {
  const missing = new Set(
    await catalogue.missing(
      repository,
      manifest.names.map(({ digest }) => digest),
    ),
  );
  await Promise.all(
    manifest.names.map(async ({ digest, size }) => {
      const stored = missing.has(digest) ? undefined : await relyOn(store, digest);
      if (stored === undefined) {
        throw registryError('REGISTRY_MANIFEST_BLOB_UNKNOWN', `${repository} has no ${digest}: push it first`, {
          details: { digest },
        });
      }
      if (stored !== size) {
        throw registryError('REGISTRY_MANIFEST_INVALID', `${digest} has ${stored} bytes, the manifest says ${size}`);
      }
    }),
  );
}

/** Artifact type and annotations only of what refers to something: nothing else asks for them. */
function describe(manifest: CheckedManifest, digest: Digest, size: number): Descriptor {
  const { mediaType, subject, artifactType, annotations } = manifest;
  return {
    mediaType,
    digest,
    size,
    ...(subject === undefined || artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined || annotations === undefined ? {} : { annotations }),
  };
}

async function readBody(body: Readable | undefined, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunksOf(body)) {
    size += chunk.length;
    if (size > limit) throw registryError('REGISTRY_SIZE_INVALID', `a manifest may have at most ${limit} bytes here`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
