import { isHeraklitError } from '../base/index.ts';
import { callApi } from './call-api.ts';
import type { Forge } from './types.ts';

export type CommitState = 'pending' | 'success' | 'failure' | 'error' | 'superseded';

export interface CommitStatus {
  /** `owner/name` */
  readonly repository: string;
  readonly commit: string;
  readonly state: CommitState;
  /** What tells it from other systems' statuses: `heraklit/web`. */
  readonly context: string;
  readonly description: string;
  readonly targetUrl?: string;
}

/** GitHub takes 140 characters, GitLab 255. */
const MAX_DESCRIPTION = 140;

const WORDS: Readonly<Record<Forge['kind'], Readonly<Record<CommitState, string>>>> = {
  github: { pending: 'pending', success: 'success', failure: 'failure', error: 'error', superseded: 'error' },
  gitlab: { pending: 'pending', success: 'success', failure: 'failed', error: 'failed', superseded: 'canceled' },
  gitea: { pending: 'pending', success: 'success', failure: 'failure', error: 'error', superseded: 'warning' },
};

/**
 * Says at a commit what became of it; saying it twice changes nothing.
 * @see https://docs.github.com/en/rest/commits/statuses
 * @see https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
 * @see https://docs.gitea.com/api/ (repoCreateStatus)
 * @throws FORGE_API_FAILED, FORGE_API_REFUSED
 */
export async function postStatus(forge: Forge, status: CommitStatus, signal?: AbortSignal): Promise<void> {
  const { repository, commit, context, targetUrl } = status;
  const state = WORDS[forge.kind][status.state];
  const description = shortened(status.description);
  const url = targetUrl === undefined ? {} : { target_url: targetUrl };
  const common = { method: 'POST' as const, ...(signal === undefined ? {} : { signal }) };
  if (forge.kind === 'gitlab') {
    const path = `/projects/${encodeURIComponent(repository)}/statuses/${commit}`;
    const body = { state, name: context, description, ...url };
    await callApi(forge, { ...common, path, body }).catch((error: unknown) => {
      // GitLab refuses a state that the commit has already.
      if (isHeraklitError(error, 'FORGE_API_REFUSED') && /cannot transition status/i.test(String(error.details.words)))
        return;
      throw error;
    });
    return;
  }
  const path = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}/statuses/${commit}`;
  await callApi(forge, { ...common, path, body: { state, context, description, ...url } });
}

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_DESCRIPTION ? line : `${line.slice(0, MAX_DESCRIPTION - 1)}…`;
};
