import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { asCodedError, type Log, messageOf, silentLog } from '../base/index.ts';
import { type Forge, repositoryAt } from '../forge/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from '../runtime/index.ts';
import { checkRef, checkSubPath, type GitSource, gitAccess, parseGitUrl } from '../source/index.ts';
import { type Branch, diffOf, fetchBranch, pushCommit } from './branch.ts';
import { type Decision, decide } from './decide.ts';
import { gitopsError } from './errors.ts';
import { lookAt, workloadOf } from './look.ts';
import { type Proposed, proposalOf, propose } from './propose.ts';

export interface GitopsOptions {
  /** Of the fleet file; part of workload ids. */
  readonly name: string;
  /** `ref` is the branch, `path` the folder with the files; HEAD is not followed. */
  readonly git: GitSource;
  readonly write: 'commit' | 'pull-request';
  /** Has the pull requests; needed for those. */
  readonly forge?: Forge;
  /** `leave` (the default): files whose images Flux or Argo CD's updater writes are left to them. */
  readonly writers?: 'leave' | 'override';
  readonly author?: { readonly name: string; readonly email: string };
  /** Private ssh key that commits are signed with. */
  readonly signingKey?: string;
  /** Folder for its copy; may be deleted at any time. */
  readonly cache: string;
  readonly log?: Log;
}

/** A repository as it is now. */
export interface GitopsLook {
  readonly url: string;
  readonly branch: string;
  /** The commit that was looked at. */
  readonly commit: string;
  readonly workloads: readonly Workload[];
  /** What Flux and Argo CD are told about when and how they deploy it. */
  readonly notes: readonly string[];
}

/** What writing a digest to a place would do now. */
export interface GitopsPreview {
  readonly kind: 'unchanged' | 'left' | 'commit' | 'propose' | 'proposed';
  readonly place: string;
  readonly from: string;
  readonly to: string;
  /** Why it is left; else empty. */
  readonly reason: string;
  /** The open pull request that brings it. */
  readonly request: string | undefined;
  /** As git shows it; empty where nothing would change. */
  readonly diff: string;
}

export interface GitopsRuntime extends WorkloadRuntime {
  look(): Promise<GitopsLook>;
  /** By the code that writes, up to the push. @throws what `rollout` throws before it */
  preview(request: RolloutRequest, signal?: AbortSignal): Promise<GitopsPreview>;
}

const AUTHOR = { name: 'heraklit', email: 'heraklit@localhost' };
/** Somebody else may push between our look and our push, again and again. */
const ATTEMPTS = 6;

/**
 * A git repository that Flux, Argo CD or a pipeline deploys from, as a runtime: its workloads are the files, their
 * containers the places that name images. Rolling out is a commit, or a pull request that is kept up to date; whether it
 * becomes healthy is for what deploys from it.
 */
export function createGitopsRuntime(options: GitopsOptions): GitopsRuntime {
  const { name, git, log = silentLog, writers = 'leave', signingKey } = options;
  const branch = async (): Promise<Branch> => {
    const url = parseGitUrl(git.url, git.insecure);
    const access = await gitAccess(url, git.credentials, git.caFile);
    const key = createHash('sha256').update(url.url).digest('hex').slice(0, 32);
    const author = options.author ?? AUTHOR;
    return {
      ...{ repository: join(options.cache, `${key}.git`), url, access, branch: checkRef(git.ref ?? 'main'), author },
      ...(signingKey === undefined ? {} : { signingKey }),
    };
  };
  const folder = checkSubPath(git.path);
  const look = async (): Promise<GitopsLook> => {
    const at = await branch();
    const commit = await fetchBranch(at);
    const { files, notes } = await lookAt(at, commit, folder, writers);
    return { url: git.url, branch: at.branch, commit, notes, workloads: files.map((file) => workloadOf(name, file)) };
  };
  return {
    name: `gitops:${name}`,
    async unavailable() {
      try {
        await fetchBranch(await branch());
        return undefined;
      } catch (error) {
        return messageOf(error).replace(/\s*\n\s*/g, ' ');
      }
    },
    look,
    list: async () => (await look()).workloads,
    async rollout(request, signal) {
      const at = await branch();
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const began = performance.now();
        const tip = await fetchBranch(at, signal);
        const decision = await decide(at, tip, { folder, writers }, request);
        const outcome = await carryOut(options, at, request, decision, began, signal);
        if (outcome !== 'overtaken') return outcome;
        log.info(`${git.url} moved while it was written to; attempt ${attempt}`);
      }
      throw gitopsError('GITOPS_CONFLICT', `${git.url}: ${at.branch} moved ${ATTEMPTS} times while it was written to`, {
        hint: 'It is tried again with the next rollout.',
      });
    },
    async preview(request, signal) {
      const at = await branch();
      const tip = await fetchBranch(at, signal);
      return await previewOf(options, at, tip, request, await decide(at, tip, { folder, writers }, request), signal);
    },
    close: async () => undefined,
  };
}

async function carryOut(
  options: GitopsOptions,
  branch: Branch,
  { workload: { id, name }, digest }: RolloutRequest,
  decision: Decision,
  began: number,
  signal: AbortSignal | undefined,
): Promise<RolloutOutcome | 'overtaken'> {
  const { from, to } = decision;
  if (decision.kind === 'unchanged') return { kind: 'unchanged', workload: id, to };
  const facts = { workload: id, from, to, interrupted: false };
  const back = (reason: string): RolloutOutcome => ({
    ...{ kind: 'rolledback', ...facts, reason, blame: 'environment', milliseconds: performance.now() - began },
  });
  if (decision.kind === 'left') return back(decision.reason);
  if (options.write === 'commit') {
    if (!(await pushCommit(branch, decision.commit, branch.branch, false, signal))) return 'overtaken';
    return { kind: 'rolledout', ...facts, milliseconds: performance.now() - began };
  }
  const { commit, subject: title, message } = decision;
  const slug = slugOf(name, decision.place);
  const proposal = { branch, commit, digest, title, message, slug, forge: forgeOf(options) };
  const proposed = await propose(proposal, signal);
  if (proposed.kind === 'refused') return back(proposed.reason);
  options.log?.info(`${id}: proposed by ${proposed.url}`);
  const reason = `pull request ${proposed.url} is to be merged`;
  return { kind: 'proposed', ...facts, reason, milliseconds: performance.now() - began };
}

async function previewOf(
  options: GitopsOptions,
  branch: Branch,
  tip: string,
  { workload, digest }: RolloutRequest,
  decision: Decision,
  signal: AbortSignal | undefined,
): Promise<GitopsPreview> {
  const { place, from, to } = decision;
  const facts = { place, from, to, reason: '', request: undefined, diff: '' };
  if (decision.kind === 'unchanged') return { kind: 'unchanged', ...facts };
  if (decision.kind === 'left') return { kind: 'left', ...facts, reason: decision.reason };
  const diff = await diffOf(branch, tip, decision.commit);
  if (options.write === 'commit') return { kind: 'commit', ...facts, diff };
  const forge = forgeOf(options);
  const at = { branch, digest, slug: slugOf(workload.name, place), forge };
  const standing: Proposed | undefined = (await proposalOf(at, signal)).standing;
  if (standing === undefined) return { kind: 'propose', ...facts, diff };
  return standing.kind === 'refused'
    ? { kind: 'left', ...facts, reason: standing.reason }
    : { kind: 'proposed', ...facts, diff, request: standing.url };
}

/** A branch for one image of one file: the next digest takes the place of the one that was not merged. */
function slugOf(path: string, place: string): string {
  const words = `${path}-${place}`.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  const key = createHash('sha256').update(`${path}\n${place}`).digest('hex').slice(0, 8);
  return `heraklit/${words.slice(-60).replace(/^-+/, '')}-${key}`;
}

function forgeOf({ forge, git }: GitopsOptions): { readonly forge: Forge; readonly repository: string } {
  const repository = forge === undefined ? undefined : repositoryAt(forge, git.url);
  if (forge !== undefined && repository !== undefined) return { forge, repository };
  throw asCodedError(
    gitopsError('GITOPS_PUSH_REFUSED', `${git.url} is not at a forge of the fleet: nobody takes pull requests`, {
      hint: 'Name the forge in `forges` of the fleet file, or write by commit.',
    }),
  );
}
