import { Readable } from 'node:stream';
import { isHeraklitError, retry } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { refusalOf } from './answer.ts';
import { headBlob } from './pull.ts';
import type { Session } from './session.ts';

export interface BlobToPush {
  readonly digest: Digest;
  readonly size: number;
  /** Opened once per try. */
  open(): Promise<Readable>;
  /** A repository of the same registry that may have the blob. */
  readonly mountFrom?: string;
}

/** An upload the registry has begun: where to send to, and how much it has. */
interface Progress {
  readonly location: string;
  readonly offset: number;
}

/**
 * Mounts or uploads a blob that the repository does not have. An upload that breaks goes on where the registry says it
 * stopped, or from the start where it has forgotten; as often as `session.retry` allows.
 *
 * @throws REGISTRY_…
 */
export async function pushBlob(
  session: Session,
  repository: string,
  blob: BlobToPush,
): Promise<'exists' | 'mounted' | 'uploaded'> {
  if ((await headBlob(session, repository, blob.digest)) !== undefined) return 'exists';
  const push = { session, repository, blob, what: `pushing ${blob.digest} to ${session.registry}/${repository}` };
  let progress = await begin(push);
  if (progress === 'mounted') return 'mounted';
  await retry(async (attempt) => {
    if (attempt > 1) progress = (await statusOf(push, progress as Progress)) ?? (await begin(push));
    if (progress !== 'mounted') await send(push, progress as Progress);
  }, session.retry);
  return 'uploaded';
}

interface Push {
  readonly session: Session;
  readonly repository: string;
  readonly blob: BlobToPush;
  /** For messages. */
  readonly what: string;
}

const scopesOf = ({ repository, blob: { mountFrom } }: Push): readonly string[] => [
  `repository:${repository}:pull,push`,
  ...(mountFrom === undefined ? [] : [`repository:${mountFrom}:pull`]),
];

async function begin(push: Push): Promise<Progress | 'mounted'> {
  const { session, repository, blob, what } = push;
  const algorithm = blob.digest.slice(0, blob.digest.indexOf(':'));
  const query = new URLSearchParams({
    ...(blob.mountFrom === undefined ? {} : { mount: blob.digest, from: blob.mountFrom }),
    ...(algorithm === 'sha256' ? {} : { 'digest-algorithm': algorithm }),
  });
  const answer = await session.call({
    method: 'POST',
    path: `/v2/${repository}/blobs/uploads/${query.size === 0 ? '' : `?${query}`}`,
    repository,
    scopes: scopesOf(push),
  });
  if (answer.statusCode === 201) {
    answer.resume();
    return 'mounted';
  }
  if (answer.statusCode !== 202) throw await refusalOf(answer, what);
  answer.resume();
  const { location } = answer.headers;
  if (location !== undefined) return { location, offset: 0 };
  throw registryError('REGISTRY_ANSWER_INVALID', `${what}: no Location to send it to`);
}

/** What a broken upload has; undefined where the registry does not know it any more, or does not say. */
async function statusOf(push: Push, { location }: Progress): Promise<Progress | undefined> {
  const { session, repository, blob } = push;
  try {
    const answer = await session.call({
      method: 'GET',
      path: location,
      repository,
      scopes: scopesOf(push),
      again: false,
    });
    answer.resume();
    if (answer.statusCode !== 204) return undefined;
    // `0-0` is what registries say of one byte and of none.
    const last = Number(/^0-(\d{1,15})$/.exec(String(answer.headers.range ?? ''))?.[1] ?? 0);
    const offset = last === 0 ? 0 : last + 1;
    return offset > blob.size ? undefined : { location: answer.headers.location ?? location, offset };
  } catch (error) {
    if (isHeraklitError(error)) return undefined;
    throw error;
  }
}

async function send(push: Push, { location, offset }: Progress): Promise<void> {
  const { session, repository, blob, what } = push;
  const rest = blob.size - offset;
  const answer = await session.call({
    method: 'PUT',
    path: `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`,
    headers: {
      'content-type': 'application/octet-stream',
      ...(offset === 0 || rest === 0 ? {} : { 'content-range': `${offset}-${blob.size - 1}` }),
    },
    body: async () => ({ stream: after(await blob.open(), offset), size: rest }),
    repository,
    scopes: scopesOf(push),
    // A broken PUT leaves an upload in an unknown state: who sends it asks first.
    again: false,
  });
  if (answer.statusCode === 201) {
    answer.resume();
    return;
  }
  const refusal = await refusalOf(answer, what);
  // The session is gone, or the registry was still writing what it got from the broken connection.
  const lost = [404, 416].includes(answer.statusCode ?? 0) || refusal.code === 'REGISTRY_BLOB_UPLOAD_INVALID';
  if (offset === 0 && !lost) throw refusal;
  throw registryError('REGISTRY_UNAVAILABLE', refusal.message, { cause: refusal });
}

/** The stream without its first bytes. */
function after(stream: Readable, offset: number): Readable {
  if (offset === 0) return stream;
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    let skip = offset;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (skip < chunk.length) yield chunk.subarray(skip);
      skip = Math.max(0, skip - chunk.length);
    }
  };
  return Readable.from(bytes(), { objectMode: false });
}
