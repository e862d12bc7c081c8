import { registryError } from '../errors.ts';
import { readJson, refusalOf } from './answer.ts';
import { pullScope } from './pull.ts';
import type { Session } from './session.ts';

/** Bytes of one page. */
export const MAX_PAGE = 16 * 1024 * 1024;
export const MAX_PAGES = 10_000;

/** All tags, in the registry's order. @throws REGISTRY_NAME_UNKNOWN */
export async function listTags(session: Session, repository: string): Promise<readonly string[]> {
  return pages(session, `/v2/${repository}/tags/list`, 'tags', repository, pullScope(repository));
}

export async function listRepositories(session: Session): Promise<readonly string[]> {
  return pages(session, '/v2/_catalog', 'repositories', '', ['registry:catalog:*']);
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
export function nextPath(link: string | string[] | undefined): string | undefined {
  const match = /<([^>]+)>\s*;[^,]*rel="?next"?/.exec(String(link ?? ''));
  if (match?.[1] === undefined || !URL.canParse(match[1], 'http://registry')) return undefined;
  const url = new URL(match[1], 'http://registry');
  return `${url.pathname}${url.search}`;
}
