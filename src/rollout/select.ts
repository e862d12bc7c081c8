import type { Digest } from '../oci/index.ts';
import type { Workload, WorkloadContainer } from '../runtime/index.ts';
import { rolloutError } from './errors.ts';
import { namesOf } from './plan/stage-of.ts';
import type { Supersession } from './store.ts';

/** A container slot that is to change. */
export interface Slot {
  readonly workload: Workload;
  readonly container: string;
  readonly previous: string;
  readonly previousDigest: Digest | undefined;
}

/** `host/repository` of `host/repository:tag@digest`. */
export function repositoryOf(image: string): string {
  const bare = image.split('@')[0] as string;
  const colon = bare.lastIndexOf(':');
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare;
}

const slotOf = (workload: Workload, { name, image, digest }: WorkloadContainer): Slot => ({
  ...{ workload, container: name, previous: image, previousDigest: digest },
});

/**
 * Whether another has the say of a workload: Flux and Argo CD write what git says, whatever is set beside them, and systemd
 * starts what its unit names; a Helm release is changed through its own values, where it is among what runtimes list. One that is asked for by name is changed.
 */
function isLeft({ managedBy }: Workload, listed: ReadonlySet<string>): boolean {
  if (managedBy === undefined) return false;
  return managedBy.by !== 'helm' || listed.has(managedBy.id);
}

/**
 * The slots a new image belongs to, in the order they are rolled out: those asked for by name (as asked), or all whose
 * digest it supersedes or whose repository it comes from. In a pod with side-cars only matching containers change.
 * @throws ROLLOUT_WORKLOAD_UNKNOWN
 */
export function selectSlots(
  workloads: readonly Workload[],
  target: {
    readonly image: string;
    readonly digest: Digest;
    readonly container?: string;
    /** Where else the image lies, as `host/repository`. */
    readonly copies?: readonly string[];
  },
  asked: readonly string[],
  superseded: ReadonlySet<Digest>,
): readonly Slot[] {
  const repositories = new Set([repositoryOf(target.image), ...(target.copies ?? [])]);
  const fits = ({ image, digest }: { image: string; digest: Digest | undefined }): boolean =>
    repositories.has(repositoryOf(image)) ||
    (digest !== undefined && superseded.has(digest)) ||
    digest === target.digest;
  const slots = (workload: Workload, all: boolean): Slot[] => {
    if (all && target.container !== undefined) {
      const named = workload.containers.filter(({ name }) => name === target.container);
      if (named.length > 0) return named.map((one) => slotOf(workload, one));
      const known = workload.containers.map(({ name }) => name).join(', ');
      throw rolloutError(
        'ROLLOUT_WORKLOAD_UNKNOWN',
        `${workload.id} has no container ${JSON.stringify(target.container)}`,
        { hint: `It has ${known}.` },
      );
    }
    const matching = workload.containers.filter(fits);
    // Asked for by name with a single container: the image may come from another repository than before.
    const chosen = matching.length === 0 && all && workload.containers.length === 1 ? workload.containers : matching;
    return chosen.map((one) => slotOf(workload, one));
  };
  if (asked.length === 0) {
    const listed = new Set(workloads.map(({ id }) => id));
    return workloads.flatMap((workload) => (isLeft(workload, listed) ? [] : slots(workload, false)));
  }
  return asked.flatMap((name) => {
    const found = workloads.filter((workload) => namesOf(workload).includes(name));
    if (found.length > 0) return found.flatMap((workload) => slots(workload, true));
    const known = workloads.map((workload) => workload.name).slice(0, 10);
    throw rolloutError('ROLLOUT_WORKLOAD_UNKNOWN', `no runtime has a workload ${JSON.stringify(name)}`, {
      hint:
        known.length === 0 ? 'Nothing runs.' : `There are ${known.join(', ')}${workloads.length > 10 ? ', …' : ''}.`,
    });
  });
}

/** Which digests a target replaces, out of what the inventory knows. */
export function supersededBy(known: readonly Supersession[], digest: Digest): ReadonlySet<Digest> {
  return new Set(known.filter(({ to }) => to === digest).map(({ from }) => from));
}

/** What is changed beside somebody who writes it time and again, for people. */
export function fightsOf(workloads: readonly Workload[]): readonly string[] {
  const lines = workloads.flatMap(({ id, managedBy }) => {
    if (managedBy === undefined) return [];
    const { by, id: manager } = managedBy;
    return by === 'helm'
      ? [`${id} belongs to ${manager}: its next helm upgrade takes the image back`]
      : [`${id} is written by ${by} (${manager}), which takes the image back`];
  });
  return [...new Set(lines)];
}

/** What a new image would suit and systemd has the say of, for people: it is left alone. */
export function leftToSystemd(
  workloads: readonly Workload[],
  image: string,
  targets: readonly { readonly workload: Workload }[],
): readonly string[] {
  const changed = new Set(targets.map(({ workload }) => workload.id));
  return workloads.flatMap(({ id, managedBy, containers }) =>
    managedBy?.by === 'systemd' &&
    !changed.has(id) &&
    containers.some((one) => repositoryOf(one.image) === repositoryOf(image))
      ? [`${id} is left to systemd's unit ${managedBy.id}; asked for by name, the refusal says how to update it`]
      : [],
  );
}
