import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Descriptor, type Digest, digestOf, isDigest, isIndexType, isTag } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import type { PublishOptions } from '../catalogue/catalogue.ts';
import { checkStillThere } from '../catalogue/still-has.ts';
import { tagMoved } from '../catalogue/tag-moved.ts';
import { registryError } from '../errors.ts';
import { etagOf, isUnchanged, precondition } from './conditions.ts';
import type { RegistryLimits } from './limits.ts';
import { type CheckedManifest, checkManifest } from './manifest-check.ts';
import type { RegistryContext } from './options.ts';
import { paced } from './paced.ts';
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
    .header('etag', etagOf(found.digest))
    .header('content-type', found.mediaType);
  if (isUnchanged(request.headers, found.digest)) return reply.code(304).send();
  if (request.method === 'HEAD') return reply.header('content-length', found.size).send();
  return reply.send(await read(found.digest));
}

/**
 * PUT, by tag or digest; by digest with any number of `?tag=`. If-Match and If-None-Match ask about the tag, so that of
 * two clients that saw the same one only one moves it.
 */
export async function putManifest(
  context: RegistryContext,
  path: ManifestPath,
  query: URLSearchParams,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { repository, reference } = path;
  const tagged = isDigest(reference) ? tagParameters(query, context.limits.tagParameters) : [];
  const when = precondition(request.headers);
  const bytes = await readBody(request, context.limits);
  const manifest = checkManifest(bytes, request.headers['content-type']);
  await context.quota?.before(repository, 0);
  const missing = await checkPresent(context, repository, manifest);
  const children = isIndexType(manifest.mediaType) ? manifest.names.map((child) => child.digest) : [];
  const { digest } =
    isDigest(reference) && digestOf(bytes) !== reference
      ? await context.store.write(Readable.from([bytes]), { digest: reference, size: bytes.length })
      : await context.store.put(bytes);
  const descriptor = describe(manifest, digest, bytes.length);
  const entry = {
    repository,
    descriptor,
    // What is missing is not linked: naming a blob of another repository would else be a way to read it.
    blobs: manifest.blobs.filter((blob) => !missing.has(blob)),
    names: [...manifest.names, ...manifest.elsewhere],
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject }),
  };
  const tags = isDigest(reference) ? tagged : [reference];
  const options: PublishOptions = {
    ...(when === undefined ? {} : { when }),
    within: async (published, trx) => {
      if (trx !== undefined) {
        await checkStillThere(
          trx,
          repository,
          children.filter((child) => !missing.has(child)),
        );
      }
      if (trx !== undefined) await context.quota?.check(trx, repository);
      for (const one of published) await context.onPush?.({ ...one, descriptor }, trx);
    },
  };
  const [tag] = tags;
  if (tags.length > 1) {
    await context.catalogue.publishMany(
      tags.map((one) => ({ ...entry, tag: one })),
      options,
    );
  } else await context.catalogue.putManifest({ ...entry, ...(tag === undefined ? {} : { tag }) }, options);
  if (manifest.subject !== undefined) reply.header('oci-subject', manifest.subject);
  if (tagged.length > 0) reply.header('oci-tag', tagged.join(', '));
  return reply
    .code(201)
    .header('location', `/v2/${repository}/manifests/${digest}`)
    .header('docker-content-digest', digest)
    .header('etag', etagOf(digest))
    .send();
}

/** @throws REGISTRY_TAG_INVALID, REGISTRY_TAGS_TOO_MANY */
function tagParameters(query: URLSearchParams, limit: number): readonly string[] {
  const tags = [...new Set(query.getAll('tag'))];
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) {
    throw registryError('REGISTRY_TAG_INVALID', `invalid tag: ${JSON.stringify(wrong.slice(0, 200))}`);
  }
  if (tags.length <= limit) return tags;
  throw registryError('REGISTRY_TAGS_TOO_MANY', `${tags.length} tags in one push; at most ${limit} are taken here`);
}

export async function deleteManifest(
  context: RegistryContext,
  path: ManifestPath,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { repository, reference } = path;
  const { catalogue } = context;
  const when = precondition(request.headers);
  const named = when === undefined ? undefined : (await catalogue.resolve(repository, reference))?.digest;
  if (when !== undefined && !when(named)) throw tagMoved({ repository, tag: reference, previous: named });
  const gone = isDigest(reference)
    ? await catalogue.deleteManifest(repository, reference)
    : await catalogue.deleteTag(repository, reference, undefined, named);
  if (!gone) throw unknown(path);
  return reply.code(202).send();
}

/**
 * What a manifest names is in its repository, in the store, and as long as it says; see `SparseManifests`.
 * @returns what it may do without
 */
async function checkPresent(
  { catalogue, store, sparse = 'index' }: RegistryContext,
  repository: string,
  manifest: CheckedManifest,
): Promise<ReadonlySet<Digest>> {
  const mayMiss = sparse === 'all' || (sparse === 'index' && isIndexType(manifest.mediaType));
  const missing = new Set(
    await catalogue.missing(
      repository,
      manifest.names.map(({ digest }) => digest),
    ),
  );
  await Promise.all(
    manifest.names.map(async ({ digest, size }) => {
      const stored = missing.has(digest) ? undefined : await relyOn(store, digest);
      if (stored === undefined && mayMiss) {
        missing.add(digest);
        return;
      }
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
  return missing;
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

async function readBody(request: FastifyRequest, limits: RegistryLimits): Promise<Buffer> {
  const limit = limits.manifestBytes;
  const pace = { idle: limits.bodyIdle, bytes: limits.bodyBytes };
  const tooLong = (): Error =>
    registryError('REGISTRY_SIZE_INVALID', `a manifest may have at most ${limit} bytes here`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of paced(chunksOf(request.body as Readable | undefined), pace)) {
    size += chunk.length;
    if (size > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
