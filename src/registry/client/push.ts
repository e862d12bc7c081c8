import { isHeraklitError } from '../../base/index.ts';
import { type Digest, digestOf, isDigest } from '../../oci/index.ts';
import { refusalOf } from './answer.ts';
import { addFallbackReferrer, removeFallbackReferrer } from './fallback.ts';
import { pullManifest } from './pull.ts';
import { hasReferrersApi, referrerOf } from './referrers.ts';
import type { Session } from './session.ts';

/**
 * By tag, or by digest. Where the manifest refers to another and the registry does not keep track of that, the list
 * under the fallback tag is kept up.
 *
 * @throws REGISTRY_…
 */
export async function pushManifest(
  session: Session,
  repository: string,
  reference: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
): Promise<void> {
  const { bytes, mediaType } = manifest;
  const answer = await session.call({
    method: 'PUT',
    path: `/v2/${repository}/manifests/${reference}`,
    headers: { 'content-type': mediaType },
    body: async () => bytes,
    repository,
    scopes: [`repository:${repository}:pull,push`],
  });
  if (answer.statusCode !== 201)
    throw await refusalOf(answer, `pushing ${session.registry}/${repository}:${reference}`);
  answer.resume();
  if (answer.headers['oci-subject'] !== undefined) return;
  const digest = isDigest(reference) ? reference : digestOf(bytes);
  const refers = referrerOf(bytes, { mediaType, digest, size: bytes.length });
  if (refers !== undefined) await addFallbackReferrer(session, repository, refers.subject, refers.referrer);
}

/** By digest also takes it off the list under the fallback tag. False when there was none. */
export async function deleteManifest(session: Session, repository: string, reference: string): Promise<boolean> {
  const subject = isDigest(reference) ? await subjectOf(session, repository, reference) : undefined;
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
  if (answer.statusCode === 404) return false;
  if (subject !== undefined && isDigest(reference) && !(await hasReferrersApi(session, repository, subject))) {
    await removeFallbackReferrer(session, repository, subject, reference);
  }
  return true;
}

/** What a manifest refers to; undefined where it cannot be told, too: a broken one can still be deleted. */
async function subjectOf(session: Session, repository: string, digest: Digest): Promise<Digest | undefined> {
  try {
    const { bytes, descriptor } = await pullManifest(session, repository, digest);
    return referrerOf(bytes, descriptor)?.subject;
  } catch (error) {
    if (isHeraklitError(error) && !error.retryable) return undefined;
    throw error;
  }
}
