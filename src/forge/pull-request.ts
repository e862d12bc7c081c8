import { callApi } from './call-api.ts';
import type { Forge } from './types.ts';

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  readonly title: string;
  readonly body: string;
}

export interface PullRequestText {
  readonly title: string;
  readonly body: string;
}

export interface PullRequestPlace {
  /** `owner/name` */
  readonly repository: string;
  /** Branch that it brings. */
  readonly head: string;
  /** Branch that it goes into. */
  readonly base: string;
}

type Raw = Readonly<Record<string, unknown>>;

const encoded = (repository: string): string => repository.split('/').map(encodeURIComponent).join('/');

/** Where the requests of a repository are. GitLab calls them merge requests, and takes the path as one word. */
const rootOf = (forge: Forge, repository: string): string =>
  forge.kind === 'gitlab'
    ? `/projects/${encodeURIComponent(repository)}/merge_requests`
    : `/repos/${encoded(repository)}/pulls`;

/**
 * Pull requests that brought or bring a branch, newest first.
 * @see https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
 * @see https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests
 * @see https://docs.gitea.com/api/ (repoListPullRequests)
 * @throws FORGE_API_FAILED, FORGE_API_REFUSED
 */
export async function listPullRequests(
  forge: Forge,
  { repository, head, base }: PullRequestPlace,
  signal?: AbortSignal,
): Promise<readonly PullRequest[]> {
  const owner = repository.split('/')[0] ?? '';
  const query =
    forge.kind === 'gitlab'
      ? { source_branch: head, target_branch: base, per_page: '50' }
      : forge.kind === 'github'
        ? { head: `${owner}:${head}`, base, state: 'all', per_page: '50' }
        : { state: 'all', sort: 'recentupdate', limit: '50' };
  const path = `${rootOf(forge, repository)}?${new URLSearchParams(query)}`;
  const { body } = await callApi(forge, { method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  const found = (Array.isArray(body) ? (body as Raw[]) : []).filter((one) => branchOf(forge, one) === head);
  return found.map((one) => pullRequestOf(forge, one)).sort((a, b) => b.number - a.number);
}

/** @throws FORGE_API_FAILED, FORGE_API_REFUSED */
export async function openPullRequest(
  forge: Forge,
  { repository, head, base }: PullRequestPlace,
  { title, body }: PullRequestText,
  signal?: AbortSignal,
): Promise<PullRequest> {
  const content =
    forge.kind === 'gitlab'
      ? { source_branch: head, target_branch: base, title, description: body, remove_source_branch: true }
      : { head, base, title, body };
  const answer = await callApi(forge, {
    method: 'POST',
    path: rootOf(forge, repository),
    body: content,
    ...(signal === undefined ? {} : { signal }),
  });
  return pullRequestOf(forge, (answer.body ?? {}) as Raw);
}

/** @throws FORGE_API_FAILED, FORGE_API_REFUSED */
export async function updatePullRequest(
  forge: Forge,
  repository: string,
  number: number,
  { title, body }: PullRequestText,
  signal?: AbortSignal,
): Promise<void> {
  await callApi(forge, {
    method: forge.kind === 'gitlab' ? 'PUT' : 'PATCH',
    path: `${rootOf(forge, repository)}/${number}`,
    body: forge.kind === 'gitlab' ? { title, description: body } : { title, body },
    ...(signal === undefined ? {} : { signal }),
  });
}

function branchOf(forge: Forge, raw: Raw): unknown {
  return forge.kind === 'gitlab' ? raw.source_branch : (raw.head as Raw | undefined)?.ref;
}

function pullRequestOf(forge: Forge, raw: Raw): PullRequest {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const isMerged =
    forge.kind === 'gitlab' ? raw.state === 'merged' : raw.merged === true || typeof raw.merged_at === 'string';
  const isOpen = raw.state === 'open' || raw.state === 'opened';
  return {
    number: Number(forge.kind === 'gitlab' ? raw.iid : raw.number),
    url: text(forge.kind === 'gitlab' ? raw.web_url : raw.html_url),
    state: isMerged ? 'merged' : isOpen ? 'open' : 'closed',
    title: text(raw.title),
    body: text(forge.kind === 'gitlab' ? raw.description : raw.body),
  };
}
