import type { RolloutRequest } from '../runtime/index.ts';
import { type Branch, commitFile } from './branch.ts';
import { applyEdits } from './edit.ts';
import { gitopsError } from './errors.ts';
import { formatImageName, type ImageName } from './image-name.ts';
import { type FilePlaces, lookAt } from './look.ts';
import { refusedDigests, TRAILER } from './refused-digests.ts';

/** What a digest would be for one place at one state of the branch. */
export type Decision =
  | { readonly kind: 'unchanged'; readonly place: string; readonly from: string; readonly to: string }
  /** Not written, because somebody else has the say, or nobody would deploy it. */
  | {
      readonly kind: 'left';
      readonly place: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'change';
      readonly place: string;
      readonly from: string;
      readonly to: string;
      /** Over the state that was looked at; not pushed. */
      readonly commit: string;
      readonly subject: string;
      readonly message: string;
    };

/**
 * Looks at a commit of the branch and makes the one over it. Nothing leaves this machine: what pushes and what only shows go
 * by the same decision.
 * @throws GITOPS_PLACE_GONE, GITOPS_SIGNING_FAILED
 */
export async function decide(
  branch: Branch,
  tip: string,
  at: { readonly folder: string; readonly writers: 'leave' | 'override' },
  request: RolloutRequest,
): Promise<Decision> {
  const { workload, digest } = request;
  const { files } = await lookAt(branch, tip, at.folder, at.writers);
  const found = files.find(({ file }) => file.path === workload.name);
  const wanted = request.container ?? workload.containers[0]?.name;
  const place = found?.places.find(({ name }) => name === wanted);
  if (found === undefined || place === undefined) throw gone(workload.id, wanted);
  const target = targetOf(place.image, request);
  const facts = { place: place.name, from: formatImageName(place.image), to: formatImageName(target) };
  if (place.image.digest === digest) return { kind: 'unchanged', ...facts };
  const reason =
    reasonToLeave(found, place.held, at.writers) ?? (await takenBack(branch, tip, found, place.name, digest));
  if (reason !== undefined) return { kind: 'left', ...facts, reason };
  const edits = place.set(target);
  if (edits === undefined) {
    const why = `${workload.name} has ${place.name} in a form that is not edited: write the digest once by hand`;
    return { kind: 'left', ...facts, reason: why };
  }
  const subject = `${workload.name}: ${nameOf(target.repository)} ${digest.slice(0, 19)}`;
  const message = `${subject}\n\n${place.name}: ${facts.from} → ${facts.to}\n\n${TRAILER}: ${digest}\n`;
  const commit = await commitFile(branch, tip, found.file, applyEdits(found.text, edits), message);
  return { kind: 'change', ...facts, commit, subject, message };
}

function reasonToLeave(
  { file, writer }: FilePlaces,
  held: string | undefined,
  writers: 'leave' | 'override',
): string | undefined {
  if (writers === 'override') return undefined;
  if (writer !== undefined) {
    return `${file.path} is written by ${writer.by} (${writer.id}): two writers would take back what the other wrote`;
  }
  return held === undefined ? undefined : `${file.path}: ${held}`;
}

async function takenBack(
  branch: Branch,
  tip: string,
  { file }: FilePlaces,
  place: string,
  digest: string,
): Promise<string | undefined> {
  const refused = (await refusedDigests(branch, tip, file.path, place)).get(digest);
  if (refused === undefined) return undefined;
  return `commit ${refused.slice(0, 12)} took ${digest.slice(0, 19)} away from ${place}: that is respected`;
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

const gone = (workload: string, place: string | undefined): Error =>
  gitopsError('GITOPS_PLACE_GONE', `${workload} no longer has ${place ?? 'an image'}`, {
    hint: 'Somebody moved or removed it; the next rollout looks anew.',
  });
