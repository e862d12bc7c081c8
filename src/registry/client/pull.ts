import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type HeraklitError, isHeraklitError } from '../../base/index.ts';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  isDigest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  MediaType,
  ociError,
} from '../../oci/index.ts';
import { type ByteRange, blobMissing, verifying } from '../../storage/index.ts';
import { registryError } from '../errors.ts';
import { readAll, refusalOf } from './answer.ts';
import type { Session } from './session.ts';

/** Tries after a blob's connection broke, each going on where the last stopped. */
const MAX_RESUMES = 5;

const ACCEPT = [MediaType.index, MediaType.manifest, MediaType.dockerManifestList, MediaType.dockerManifest].join(', ');

export const pullScope = (repository: string): readonly string[] => [`repository:${repository}:pull`];

export interface PulledManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  /** Of the answer, for a conditional push. */
  readonly etag?: string | undefined;
}

/** @throws REGISTRY_MANIFEST_UNKNOWN, REGISTRY_NAME_UNKNOWN, OCI_DIGEST_MISMATCH, REGISTRY_… */
export async function pullManifest(session: Session, repository: string, reference: string): Promise<PulledManifest> {
  const answer = await manifestCall(session, 'GET', repository, reference);
  const bytes = await readAll(answer, MAX_MANIFEST_BYTES);
  const wanted = isDigest(reference) ? reference : String(answer.headers['docker-content-digest'] ?? '');
  const algorithm = isDigest(wanted) ? digestAlgorithm(wanted) : 'sha256';
  const digest: Digest = `${algorithm}:${hash(algorithm, bytes)}`;
  if (isDigest(wanted) && wanted !== digest) {
    throw ociError(
      'OCI_DIGEST_MISMATCH',
      `${session.registry} sends a manifest that hashes to ${digest}, not ${wanted}`,
    );
  }
  return {
    descriptor: { mediaType: checkedType(session, answer, bytes), digest, size: bytes.length },
    bytes,
    etag: etagOf(answer),
  };
}

/** Undefined when there is none. */
export async function headManifest(
  session: Session,
  repository: string,
  reference: string,
): Promise<Descriptor | undefined> {
  let answer: IncomingMessage;
  try {
    answer = await manifestCall(session, 'HEAD', repository, reference);
  } catch (error) {
    // A HEAD answer has no body, so no code of the specification either: 404 is REGISTRY_MANIFEST_UNKNOWN here.
    if (isHeraklitError(error, 'REGISTRY_MANIFEST_UNKNOWN', 'REGISTRY_NAME_UNKNOWN')) return undefined;
    throw error;
  }
  answer.resume();
  const digest = answer.headers['docker-content-digest'] ?? reference;
  const size = Number(answer.headers['content-length']);
  // Some registries leave these out of HEAD; the manifest itself tells.
  if (typeof digest !== 'string' || !isDigest(digest) || !Number.isSafeInteger(size)) {
    return (await pullManifest(session, repository, reference)).descriptor;
  }
  return { mediaType: typeOf(answer), digest, size };
}

async function manifestCall(
  session: Session,
  method: 'GET' | 'HEAD',
  repository: string,
  reference: string,
): Promise<IncomingMessage> {
  const answer = await session.call({
    method,
    path: `/v2/${repository}/manifests/${reference}`,
    headers: { accept: ACCEPT },
    repository,
    scopes: pullScope(repository),
  });
  if (answer.statusCode === 200) return answer;
  const what = `${session.registry}/${repository}:${reference}`;
  const refusal = await refusalOf(answer, what);
  if (answer.statusCode === 404 && refusal.code === 'REGISTRY_REFUSED') {
    throw registryError('REGISTRY_MANIFEST_UNKNOWN', `${what}: there is none`);
  }
  throw refusal;
}

function typeOf(answer: IncomingMessage): string {
  return (answer.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
}

/**
 * What the manifest says it is and what it is sent as must agree, or two readers could see two images in it. A type
 * that is none of a manifest (a plain file server's) yields to the manifest's own.
 */
function checkedType(session: Session, answer: IncomingMessage, bytes: Buffer): string {
  const sent = typeOf(answer);
  const own = ownType(bytes);
  if (own === undefined || own === sent) return sent;
  if (!isManifestType(sent) && !isIndexType(sent)) return own;
  throw registryError('REGISTRY_ANSWER_INVALID', `${session.registry} sends as ${sent} what says it is ${own}`);
}

function ownType(bytes: Buffer): string | undefined {
  try {
    const { mediaType } = JSON.parse(bytes.toString()) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : undefined;
  } catch {
    return undefined;
  }
}

const etagOf = (answer: IncomingMessage): string | undefined => answer.headers.etag;

/** Size of a blob, undefined when there is none. */
export async function headBlob(session: Session, repository: string, digest: Digest): Promise<number | undefined> {
  const answer = await session.call({
    method: 'HEAD',
    path: `/v2/${repository}/blobs/${digest}`,
    repository,
    scopes: pullScope(repository),
  });
  if (answer.statusCode === 404) {
    answer.resume();
    return undefined;
  }
  if (answer.statusCode !== 200) throw await refusalOf(answer, `${session.registry}/${repository}@${digest}`);
  answer.resume();
  return Number(answer.headers['content-length'] ?? 0);
}

/**
 * A blob as a stream that goes on by itself where its connection broke, and verifies itself when it is read whole.
 * @throws BLOB_MISSING, REGISTRY_…
 */
export async function pullBlob(
  session: Session,
  repository: string,
  digest: Digest,
  range?: ByteRange,
): Promise<Readable> {
  const first = await blobCall(session, repository, digest, range);
  const length = first.headers['content-length'];
  const start = range?.start ?? 0;
  const size = length === undefined ? undefined : Number(length);
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    let answer = first;
    let seen = 0;
    for (let resumes = 0; ; resumes += 1) {
      try {
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          seen += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        if (size === undefined || resumes === MAX_RESUMES) throw broken(session, digest, error);
        if (seen >= size) return;
        answer = await blobCall(session, repository, digest, { start: start + seen, end: start + size - 1 });
      }
    }
  };
  const stream = Readable.from(bytes(), { objectMode: false });
  return range === undefined ? verifying(stream, digest) : stream;
}

function broken(session: Session, digest: Digest, cause: unknown): HeraklitError {
  return registryError('REGISTRY_UNREACHABLE', `${session.registry} breaks off while sending ${digest}`, { cause });
}

async function blobCall(
  session: Session,
  repository: string,
  digest: Digest,
  range: ByteRange | undefined,
): Promise<IncomingMessage> {
  const answer = await session.call({
    method: 'GET',
    path: `/v2/${repository}/blobs/${digest}`,
    headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` },
    repository,
    scopes: pullScope(repository),
  });
  if (answer.statusCode === (range === undefined ? 200 : 206)) return answer;
  if (answer.statusCode === 404) {
    answer.resume();
    throw blobMissing(digest, `${session.registry}/${repository}`);
  }
  if (answer.statusCode === 200) {
    answer.destroy();
    throw registryError('REGISTRY_ANSWER_INVALID', `${session.registry} does not serve ranges of blobs`);
  }
  throw await refusalOf(answer, `${session.registry}/${repository}@${digest}`);
}
