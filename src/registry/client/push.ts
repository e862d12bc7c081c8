import type { Readable } from 'node:stream';
import { type Digest, isDigest } from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { refusalOf } from './answer.ts';
import { headBlob } from './pull.ts';
import type { Session } from './session.ts';

const pushScope = (repository: string): string => `repository:${repository}:pull,push`;

export interface BlobToPush {
  readonly digest: Digest;
  readonly size: number;
  /** Opened once per try. */
  open(): Promise<Readable>;
  /** A repository of the same registry that may have the blob. */
  readonly mountFrom?: string;
}

/** @throws REGISTRY_… */
export async function pushBlob(
  session: Session,
  repository: string,
  blob: BlobToPush,
): Promise<'exists' | 'mounted' | 'uploaded'> {
  if ((await headBlob(session, repository, blob.digest)) !== undefined) return 'exists';
  const from = blob.mountFrom;
  const query = from === undefined ? '' : `?${new URLSearchParams({ mount: blob.digest, from })}`;
  const scopes = [pushScope(repository), ...(from === undefined ? [] : [`repository:${from}:pull`])];
  const start = await session.call({
    method: 'POST',
    path: `/v2/${repository}/blobs/uploads/${query}`,
    repository,
    scopes,
  });
  if (start.statusCode === 201) {
    start.resume();
    return 'mounted';
  }
  const what = `pushing ${blob.digest} to ${session.registry}/${repository}`;
  if (start.statusCode !== 202) throw await refusalOf(start, what);
  start.resume();
  const location = start.headers.location;
  if (location === undefined) throw registryError('REGISTRY_ANSWER_INVALID', `${what}: no Location to send it to`);
  const done = await session.call({
    method: 'PUT',
    path: `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`,
    headers: { 'content-type': 'application/octet-stream' },
    body: async () => ({ stream: await blob.open(), size: blob.size }),
    repository,
    scopes,
    // A broken PUT leaves an upload in an unknown state; who pushes begins a new one.
    again: false,
  });
  if (done.statusCode !== 201) throw await refusalOf(done, what);
  done.resume();
  return 'uploaded';
}

/** By tag, or by digest. @throws REGISTRY_… */
export async function pushManifest(
  session: Session,
  repository: string,
  reference: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
): Promise<void> {
  const answer = await session.call({
    method: 'PUT',
    path: `/v2/${repository}/manifests/${reference}`,
    headers: { 'content-type': manifest.mediaType },
    body: async () => manifest.bytes,
    repository,
    scopes: [pushScope(repository)],
  });
  if (answer.statusCode !== 201)
    throw await refusalOf(answer, `pushing ${session.registry}/${repository}:${reference}`);
  answer.resume();
}

/** False when there was none. */
export async function deleteManifest(session: Session, repository: string, reference: string): Promise<boolean> {
  const action = isDigest(reference) ? 'delete' : 'pull,push,delete';
  const answer = await session.call({
    method: 'DELETE',
    path: `/v2/${repository}/manifests/${reference}`,
    repository,
    scopes: [`repository:${repository}:${action}`],
  });
  if (answer.statusCode !== 202 && answer.statusCode !== 200 && answer.statusCode !== 404) {
    throw await refusalOf(answer, `deleting ${session.registry}/${repository}:${reference}`);
  }
  answer.resume();
  return answer.statusCode !== 404;
}
