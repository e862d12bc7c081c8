import { type Forge, listPullRequests, openPullRequest, type PullRequest, updatePullRequest } from '../forge/index.ts';
import type { Digest } from '../oci/index.ts';
import { type Branch, pushCommit } from './branch.ts';
import { TRAILER } from './refused-digests.ts';

export interface ProposalPlace {
  readonly branch: Branch;
  readonly digest: Digest;
  /** Branch of the pull request. */
  readonly slug: string;
  readonly forge: { readonly forge: Forge; readonly repository: string };
}

export interface Proposal extends ProposalPlace {
  /** Over the tip of the branch. */
  readonly commit: string;
  readonly title: string;
  readonly message: string;
}

export type Proposed =
  | { readonly kind: 'proposed'; readonly url: string }
  | { readonly kind: 'refused'; readonly reason: string };

const place = ({ branch, slug, forge: { repository } }: ProposalPlace) => ({
  ...{ repository, head: slug, base: branch.branch },
});

/**
 * What the forge says of a digest for a place: the open request for whatever digest, and how it stands with this one. One that a
 * person closed without merging says no to its digest, and to no other; opened again, it says so no more.
 */
export async function proposalOf(
  at: ProposalPlace,
  signal?: AbortSignal,
): Promise<{ readonly open: PullRequest | undefined; readonly standing: Proposed | undefined }> {
  const requests = await listPullRequests(at.forge.forge, place(at), signal);
  const open = requests.find(({ state }) => state === 'open');
  const isOurs = ({ body }: PullRequest): boolean => body.includes(`${TRAILER}: ${at.digest}`);
  if (open !== undefined && isOurs(open)) return { open, standing: { kind: 'proposed', url: open.url } };
  const said = requests.find((one) => one.state === 'closed' && isOurs(one));
  if (said === undefined) return { open, standing: undefined };
  const reason = `pull request ${said.url} was closed without merging: that is respected`;
  return { open, standing: { kind: 'refused', reason } };
}

/** One pull request for one place, brought up to date when there is a newer digest, or when the branch moved. */
export async function propose(proposal: Proposal, signal?: AbortSignal): Promise<Proposed> {
  const { commit, slug, title, message, forge: at } = proposal;
  const { open, standing } = await proposalOf(proposal, signal);
  if (standing?.kind === 'refused') return standing;
  const body = `${message.split('\n').slice(2).join('\n').trim()}\n`;
  // The same digest again on a base that did not move: nothing to tell anybody.
  if (open !== undefined && open.body.trim() === body.trim() && open.title === title)
    return { kind: 'proposed', url: open.url };
  await pushCommit(proposal.branch, commit, slug, true, signal);
  if (open === undefined)
    return { kind: 'proposed', url: (await openPullRequest(at.forge, place(proposal), { title, body }, signal)).url };
  await updatePullRequest(at.forge, at.repository, open.number, { title, body }, signal);
  return { kind: 'proposed', url: open.url };
}
