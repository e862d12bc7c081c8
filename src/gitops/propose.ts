import { type Forge, listPullRequests, openPullRequest, updatePullRequest } from '../forge/index.ts';
import type { Digest } from '../oci/index.ts';
import { type Branch, pushCommit } from './branch.ts';
import { TRAILER } from './refused-digests.ts';

export interface Proposal {
  readonly branch: Branch;
  /** Over the tip of the branch. */
  readonly commit: string;
  readonly digest: Digest;
  readonly title: string;
  readonly message: string;
  /** Branch of the pull request. */
  readonly slug: string;
  readonly forge: { readonly forge: Forge; readonly repository: string };
}

export type Proposed =
  | { readonly kind: 'proposed'; readonly url: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * One pull request for one place, brought up to date when there is a newer digest. One that a person closed without merging
 * says no to its digest, and to no other.
 */
export async function propose(proposal: Proposal, signal?: AbortSignal): Promise<Proposed> {
  const { branch, commit, digest, title, message, slug, forge: at } = proposal;
  const place = { repository: at.repository, head: slug, base: branch.branch };
  const requests = await listPullRequests(at.forge, place, signal);
  const said = requests.find(({ state, body }) => state === 'closed' && body.includes(`${TRAILER}: ${digest}`));
  if (said !== undefined) {
    return { kind: 'refused', reason: `pull request ${said.url} was closed without merging: that is respected` };
  }
  const open = requests.find(({ state }) => state === 'open');
  const body = `${message.split('\n').slice(2).join('\n').trim()}\n`;
  // The same digest again on a base that did not move: nothing to tell anybody.
  if (open !== undefined && open.body.trim() === body.trim() && open.title === title)
    return { kind: 'proposed', url: open.url };
  await pushCommit(branch, commit, slug, true, signal);
  if (open === undefined)
    return { kind: 'proposed', url: (await openPullRequest(at.forge, place, { title, body }, signal)).url };
  await updatePullRequest(at.forge, at.repository, open.number, { title, body }, signal);
  return { kind: 'proposed', url: open.url };
}
