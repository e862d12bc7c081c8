import {
  type Descriptor,
  type Digest,
  isDigest,
  isIndexType,
  isManifestType,
  parseIndex,
  parseManifest,
} from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { readAll, refusalOf } from './answer.ts';
import { fallbackReferrers } from './fallback.ts';
import { MAX_PAGE, MAX_PAGES, nextPath } from './lists.ts';
import { pullScope } from './pull.ts';
import type { Session } from './session.ts';

/** Descriptors of one list that are read. */
const MAX_REFERRERS = 100_000;

/**
 * What refers to a digest, page by page; from the list under a tag where the registry has no referrers API. Filtered
 * here too: registries need not.
 *
 * @throws REGISTRY_ANSWER_INVALID for a list without end
 */
export async function listReferrers(
  session: Session,
  repository: string,
  digest: Digest,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const all = (await apiReferrers(session, repository, digest, artifactType)) ?? [
    ...(await fallbackReferrers(session, repository, digest)),
  ];
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
}

/** Undefined where the registry has no referrers API. */
async function apiReferrers(
  session: Session,
  repository: string,
  digest: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[] | undefined> {
  const what = `referrers of ${session.registry}/${repository}@${digest}`;
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`;
  const found: Descriptor[] = [];
  let path: string | undefined = `/v2/${repository}/referrers/${digest}${query}`;
  for (let page = 0; path !== undefined; page += 1) {
    const answer = await session.call({ method: 'GET', path, repository, scopes: pullScope(repository) });
    if (answer.statusCode === 404 && page === 0) {
      answer.resume();
      return undefined;
    }
    if (answer.statusCode !== 200) throw await refusalOf(answer, what);
    found.push(...parseIndex(await readAll(answer, MAX_PAGE)).manifests);
    if (page === MAX_PAGES || found.length > MAX_REFERRERS) {
      throw registryError('REGISTRY_ANSWER_INVALID', `${what}: a list without end`);
    }
    path = nextPath(answer.headers.link);
  }
  return found;
}

/** Whether the registry keeps track of referrers itself. */
export async function hasReferrersApi(session: Session, repository: string, digest: Digest): Promise<boolean> {
  const path = `/v2/${repository}/referrers/${digest}`;
  const answer = await session.call({ method: 'GET', path, repository, scopes: pullScope(repository) });
  answer.resume();
  return answer.statusCode !== 404;
}

/** What a manifest refers to, and how a list of referrers shows it; undefined where it refers to nothing. */
export function referrerOf(
  bytes: Uint8Array,
  descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>,
): { readonly subject: Digest; readonly referrer: Descriptor } | undefined {
  const { mediaType, digest, size } = descriptor;
  if (!isManifestType(mediaType) && !isIndexType(mediaType)) return undefined;
  const { subject, annotations, ...manifest } = isIndexType(mediaType) ? parseIndex(bytes) : parseManifest(bytes);
  if (subject === undefined || !isDigest(subject.digest)) return undefined;
  const config = 'config' in manifest ? manifest.config.mediaType : undefined;
  const artifactType = manifest.artifactType || config;
  return {
    subject: subject.digest,
    referrer: {
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
