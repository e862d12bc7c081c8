import { type Descriptor, type Digest, parseIndex } from '../../oci/index.ts';
import { registryError } from '../errors.ts';
import { readAll, readJson, refusalOf } from './answer.ts';
import { pullScope } from './pull.ts';
import type { Session } from './session.ts';

/** Bytes of one page. */
const MAX_PAGE = 16 * 1024 * 1024;
const MAX_PAGES = 10_000;

/** All tags, in the registry's order. @throws REGISTRY_NAME_UNKNOWN */
export async function listTags(session: Session, repository: string): Promise<readonly string[]> {
  return pages(session, `/v2/${repository}/tags/list`, 'tags', repository, pullScope(repository));
}

export async function listRepositories(session: Session): Promise<readonly string[]> {
  return pages(session, '/v2/_catalog', 'repositories', '', ['registry:catalog:*']);
}

/** What refers to a digest; empty where the registry has no referrers API. */
export async function listReferrers(
  session: Session,
  repository: string,
  digest: Digest,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`;
  const path = `/v2/${repository}/referrers/${digest}${query}`;
  const answer = await session.call({ method: 'GET', path, repository, scopes: pullScope(repository) });
  if (answer.statusCode === 404) {
    answer.resume();
    return [];
  }
  if (answer.statusCode !== 200)
    throw await refusalOf(answer, `referrers of ${session.registry}/${repository}@${digest}`);
  const { manifests } = parseIndex(await readAll(answer, MAX_PAGE));
  return artifactType === undefined ? manifests : manifests.filter((one) => one.artifactType === artifactType);
}

async function pages(
  session: Session,
  first: string,
  member: string,
  repository: string,
  scopes: readonly string[],
): Promise<readonly string[]> {
  const names: string[] = [];
  let path: string | undefined = first;
  for (let page = 0; path !== undefined; page += 1) {
    if (page === MAX_PAGES) throw registryError('REGISTRY_ANSWER_INVALID', `${session.registry}: a list without end`);
    const answer = await session.call({ method: 'GET', path, repository, scopes });
    if (answer.statusCode !== 200) throw await refusalOf(answer, `${session.registry}${first}`);
    const body = (await readJson(answer, MAX_PAGE)) as Record<string, unknown> | null;
    const list = body?.[member] ?? [];
    if (!Array.isArray(list) || !list.every((name) => typeof name === 'string')) {
      throw registryError('REGISTRY_ANSWER_INVALID', `${session.registry}${first}: ${member} is no list of names`);
    }
    names.push(...(list as string[]));
    path = nextPath(answer.headers.link);
  }
  return names;
}

/** The path of `rel="next"` (RFC 8288), on the same registry whatever host it says. */
function nextPath(link: string | string[] | undefined): string | undefined {
  const match = /<([^>]+)>\s*;[^,]*rel="?next"?/.exec(String(link ?? ''));
  if (match?.[1] === undefined || !URL.canParse(match[1], 'http://registry')) return undefined;
  const url = new URL(match[1], 'http://registry');
  return `${url.pathname}${url.search}`;
}
