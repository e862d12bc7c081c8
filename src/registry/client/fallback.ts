import { isHeraklitError } from '../../base/index.ts';
import { type Descriptor, type Digest, MediaType, parseIndex } from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { refusalOf } from './answer.ts';
import { pullManifest } from './pull.ts';
import type { Session } from './session.ts';

/** Tries to write the list while others write it too. */
const MAX_TRIES = 5;

interface List {
  readonly manifests: readonly Descriptor[];
  /** Undefined where there is no list yet, or the registry gives no entity tags. */
  readonly etag: string | undefined;
  readonly exists: boolean;
}

/** `sha256-…`: the tag under which registries without a referrers API keep the list (distribution-spec). */
export function referrersTag(digest: Digest): string {
  const colon = digest.indexOf(':');
  const [algorithm, encoded] = [digest.slice(0, colon).slice(0, 32), digest.slice(colon + 1).slice(0, 64)];
  return `${algorithm}-${encoded}`.replace(/[^A-Za-z0-9._-]/g, '-');
}

/** What the tag lists. "If the tag does not return a valid image index, assume there are no referrers." */
export async function fallbackReferrers(
  session: Session,
  repository: string,
  subject: Digest,
): Promise<readonly Descriptor[]> {
  try {
    return (await readList(session, repository, subject)).manifests;
  } catch (error) {
    if (isHeraklitError(error, 'OCI_MANIFEST_INVALID', 'OCI_MANIFEST_TOO_LARGE')) return [];
    throw error;
  }
}

/** Adds what refers to `subject`, once. @throws OCI_MANIFEST_INVALID where the tag names something else */
export async function addFallbackReferrer(
  session: Session,
  repository: string,
  subject: Digest,
  referrer: Descriptor,
): Promise<void> {
  const isListed = (list: List): boolean => list.manifests.some(({ digest }) => digest === referrer.digest);
  await change(session, repository, subject, isListed, (manifests) => [...manifests, referrer]);
}

export async function removeFallbackReferrer(
  session: Session,
  repository: string,
  subject: Digest,
  referrer: Digest,
): Promise<void> {
  const others = (manifests: readonly Descriptor[]) => manifests.filter(({ digest }) => digest !== referrer);
  const isGone = (list: List): boolean => others(list.manifests).length === list.manifests.length;
  await change(session, repository, subject, isGone, others);
}

/**
 * Reads, changes and writes until what was read says it is done: a registry with entity tags refuses a list that
 * somebody else changed meanwhile, and on any other the look afterwards finds out.
 */
async function change(
  session: Session,
  repository: string,
  subject: Digest,
  isDone: (list: List) => boolean,
  next: (manifests: readonly Descriptor[]) => readonly Descriptor[],
): Promise<void> {
  const path = `/v2/${repository}/manifests/${referrersTag(subject)}`;
  const what = `listing what refers to ${subject} in ${session.registry}/${repository}`;
  for (let tries = 0; tries <= MAX_TRIES; tries += 1) {
    const list = await readList(session, repository, subject);
    if (isDone(list)) return;
    const index = { schemaVersion: 2, mediaType: MediaType.index, manifests: next(list.manifests) };
    const answer = await session.call({
      method: 'PUT',
      path,
      headers: { 'content-type': MediaType.index, ...condition(list) },
      body: async () => Buffer.from(JSON.stringify(index)),
      repository,
      scopes: [`repository:${repository}:pull,push`],
    });
    if (answer.statusCode !== 201 && answer.statusCode !== 412) throw await refusalOf(answer, what);
    answer.resume();
  }
  throw registryError('REGISTRY_PRECONDITION_FAILED', `${what}: others change the list all the time`, {
    hint: 'Push again.',
  });
}

function condition({ etag, exists }: List): Readonly<Record<string, string>> {
  if (!exists) return { 'if-none-match': '*' };
  return etag === undefined ? {} : { 'if-match': etag };
}

async function readList(session: Session, repository: string, subject: Digest): Promise<List> {
  try {
    const { bytes, etag } = await pullManifest(session, repository, referrersTag(subject));
    return { manifests: parseIndex(bytes).manifests, etag, exists: true };
  } catch (error) {
    if (!isHeraklitError(error, 'REGISTRY_MANIFEST_UNKNOWN', 'REGISTRY_NAME_UNKNOWN')) throw error;
    return { manifests: [], etag: undefined, exists: false };
  }
}
