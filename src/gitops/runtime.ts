import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { asCodedError, type Log, messageOf, silentLog } from '../base/index.ts';
import { type Forge, repositoryAt } from '../forge/index.ts';
import type { Digest } from '../oci/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from '../runtime/index.ts';
import { checkRef, checkSubPath, type GitSource, gitAccess, parseGitUrl } from '../source/index.ts';
import { type Branch, commitFile, fetchBranch, pushCommit, readBlobs, type TreeFile, yamlFiles } from './branch.ts';
import { applyEdits } from './edit.ts';
import { gitopsError } from './errors.ts';
import { formatImageName, type ImageName } from './image-name.ts';
import { findPlaces, type Place } from './places.ts';
import { propose } from './propose.ts';
import { refusedDigests, TRAILER } from './refused-digests.ts';
import { writerOf } from './writer.ts';

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
  /** Folder for its copy; may be deleted at any time. */
  readonly cache: string;
  readonly log?: Log;
}

const AUTHOR = { name: 'heraklit', email: 'heraklit@localhost' };
/** Somebody else may push between our look and our push, again and again. */
const ATTEMPTS = 6;

/**
 * A git repository that Flux, Argo CD or a pipeline deploys from, as a runtime: its workloads are the files, their
 * containers the places that name images. Rolling out is a commit, or a pull request that is kept up to date; whether it
 * becomes healthy is for what deploys from it.
 */
export function createGitopsRuntime(options: GitopsOptions): WorkloadRuntime {
  const { name, git, log = silentLog } = options;
  const branch = async (): Promise<Branch> => {
    const url = parseGitUrl(git.url, git.insecure);
    const access = await gitAccess(url, git.credentials, git.caFile);
    const key = createHash('sha256').update(url.url).digest('hex').slice(0, 32);
    const author = options.author ?? AUTHOR;
    return { repository: join(options.cache, `${key}.git`), url, access, branch: checkRef(git.ref ?? 'main'), author };
  };
  const folder = checkSubPath(git.path);
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
    async list() {
      const at = await branch();
      const tip = await fetchBranch(at);
      return (await placesAt(at, tip, folder, options.writers)).map(({ file, places, writer }) =>
        workloadOf(name, file.path, places, writer),
      );
    },
    async rollout(request, signal) {
      const at = await branch();
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const outcome = await write(options, at, request, signal);
        if (outcome !== 'overtaken') return outcome;
        log.info(`${git.url} moved while it was written to; attempt ${attempt}`);
      }
      throw gitopsError('GITOPS_CONFLICT', `${git.url}: ${at.branch} moved ${ATTEMPTS} times while it was written to`, {
        hint: 'It is tried again with the next rollout.',
      });
    },
    close: async () => undefined,
  };
}

interface FilePlaces {
  readonly file: TreeFile;
  readonly text: string;
  readonly places: readonly Place[];
  /** Who writes it, and is left to. */
  readonly writer: Workload['managedBy'];
}

async function placesAt(
  branch: Branch,
  tip: string,
  folder: string,
  writers: GitopsOptions['writers'] = 'leave',
): Promise<readonly FilePlaces[]> {
  const files = await yamlFiles(branch, tip, folder);
  const contents = await readBlobs(
    branch,
    files.map(({ blob }) => blob),
  );
  return files.flatMap((file) => {
    const text = contents.get(file.blob) ?? '';
    const places = findPlaces(text);
    const writer = writers === 'override' ? undefined : writerOf(text);
    return places.length === 0 ? [] : [{ file, text, places, writer }];
  });
}

function workloadOf(name: string, path: string, places: readonly Place[], writer: Workload['managedBy']): Workload {
  const containers = places.map((place) => ({
    name: place.name,
    image: formatImageName(place.image),
    digest: place.image.digest as Digest | undefined,
  }));
  const first = containers[0] as (typeof containers)[number];
  return {
    id: `gitops:${name}/${path}`,
    kind: 'file',
    ...{ name: path, namespace: '', image: first.image, digest: first.digest, containers, replicas: 0 },
    ...(writer === undefined ? {} : { managedBy: writer }),
  };
}

/** One look at the branch and one push. */
async function write(
  options: GitopsOptions,
  branch: Branch,
  request: RolloutRequest,
  signal: AbortSignal | undefined,
): Promise<RolloutOutcome | 'overtaken'> {
  const began = performance.now();
  const { workload, digest } = request;
  const tip = await fetchBranch(branch, signal);
  const found = (await placesAt(branch, tip, checkSubPath(options.git.path), options.writers)).find(
    ({ file }) => file.path === workload.name,
  );
  const wanted = request.container ?? workload.containers[0]?.name;
  const place = found?.places.find(({ name }) => name === wanted);
  if (found === undefined || place === undefined) throw gone(workload.id, wanted);
  const from = formatImageName(place.image);
  const target = targetOf(place.image, request);
  const to = formatImageName(target);
  if (place.image.digest === digest) {
    return { kind: 'unchanged', workload: workload.id, to };
  }
  const back = (reason: string): RolloutOutcome => ({
    ...{ kind: 'rolledback', workload: workload.id, from, to, reason, blame: 'environment', interrupted: false },
    milliseconds: performance.now() - began,
  });
  if (found.writer !== undefined) {
    return back(
      `${workload.name} is written by ${found.writer.by} (${found.writer.id}): two writers would take back what the other wrote`,
    );
  }
  const refused = (await refusedDigests(branch, tip, found.file.path, place.name)).get(digest);
  if (refused !== undefined) {
    return back(
      `commit ${refused.slice(0, 12)} took ${digest.slice(0, 19)} away from ${place.name}: that is respected`,
    );
  }
  const edits = place.set(target);
  if (edits === undefined)
    return back(`${workload.name} has ${place.name} in a form that is not edited: write the digest once by hand`);
  const subject = `${workload.name}: ${nameOf(target.repository)} ${digest.slice(0, 19)}`;
  const message = `${subject}\n\n${place.name}: ${from} → ${to}\n\n${TRAILER}: ${digest}\n`;
  const commit = await commitFile(branch, tip, found.file, applyEdits(found.text, edits), message);
  if (options.write === 'pull-request') {
    const proposed = await propose(
      {
        branch,
        commit,
        digest,
        title: subject,
        message,
        slug: slugOf(workload.name, place.name),
        forge: forgeOf(options),
      },
      signal,
    );
    if (proposed.kind === 'refused') return back(proposed.reason);
    options.log?.info(`${workload.id}: proposed by ${proposed.url}`);
    return { kind: 'unchanged', workload: workload.id, to: proposed.url };
  }
  if (!(await pushCommit(branch, commit, branch.branch, false, signal))) return 'overtaken';
  return {
    kind: 'rolledout',
    workload: workload.id,
    from,
    to,
    interrupted: false,
    milliseconds: performance.now() - began,
  };
}

/**
 * The digest under the name that the file has: clusters may pull from another registry than builds are pushed to, and whoever
 * wrote the file knows from which.
 */
function targetOf(now: ImageName, { digest, tag }: RolloutRequest): ImageName {
  const kept = now.tag ?? tag;
  return { repository: now.repository, digest, ...(kept === undefined ? {} : { tag: kept }) };
}

const nameOf = (repository: string): string => repository.split('/').at(-1) ?? repository;

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

const gone = (workload: string, place: string | undefined): Error =>
  gitopsError('GITOPS_PLACE_GONE', `${workload} no longer has ${place ?? 'an image'}`, {
    hint: 'Somebody moved or removed it; the next rollout looks anew.',
  });
