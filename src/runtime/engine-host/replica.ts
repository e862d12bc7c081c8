import type { Digest } from '../../oci/index.ts';
import type { ContainerInspect } from './api-types.ts';
import { composeNumber, composeService } from './compose-project.ts';
import { digestLabel, Label, type Labels } from './labels.ts';

/** All containers of one copy of a workload: normally one, two while it is replaced, more after crashes. */
export interface Replica {
  readonly number: number;
  /** The name that is its own: `web-3`, or `web` for a container that belongs to no group. */
  readonly name: string;
  /** Holds the traffic now. */
  readonly current: ContainerInspect;
  /** Made by an earlier, interrupted call from the image wanted now. */
  readonly next: ContainerInspect | undefined;
  /** Of rollouts that were given up: removed. */
  readonly leftover: readonly ContainerInspect[];
}

export const labelsOf = (container: ContainerInspect): Labels => container.Config.Labels ?? {};
export const nameOf = (container: ContainerInspect): string => container.Name.replace(/^\//, '');

const NEXT = /\.next-[0-9a-f]{12}$/;

/** The name of a container while its predecessor still has the right one. */
export function nextName(name: string, digest: Digest | undefined, imageId: string): string {
  const text = (digest ?? imageId).replace(/^sha(?:256|512):/, '');
  return `${name}.next-${text.slice(0, 12)}`;
}

export const ownName = (name: string): string => name.replace(NEXT, '');

/** The workload a container belongs to: a group of ours, a service of a compose project, or it alone. */
export const workloadNameOf = (labels: Labels, name: string): string =>
  labels[Label.workload] ?? composeService(labels) ?? ownName(name);

/** Reads replicas back from what the engine has: no other record exists, so a killed rollout loses nothing. */
export function readReplicas(containers: readonly ContainerInspect[], target: Digest): readonly Replica[] {
  const byName = Map.groupBy(containers, (container) => ownName(nameOf(container)));
  const replicas = [...byName].map(([name, members]) => {
    const running = members.filter(({ State }) => State.Running === true);
    const holder =
      members.find((member) => nameOf(member) === name) ??
      running.find((member) => digestLabel(labelsOf(member)) !== target) ??
      running[0] ??
      (members[0] as ContainerInspect);
    const next = members.find((member) => member !== holder && digestLabel(labelsOf(member)) === target);
    return {
      number: Number(
        labelsOf(holder)[Label.replica] ?? composeNumber(labelsOf(holder)) ?? /-(\d+)$/.exec(name)?.[1] ?? 1,
      ),
      name,
      current: holder,
      next,
      leftover: members.filter((member) => member !== holder && member !== next),
    };
  });
  return replicas.sort((a, b) => a.number - b.number || a.name.localeCompare(b.name));
}

/** True when this copy needs no replacement. */
export function upToDate(replica: Replica, target: Digest, imageId: string | undefined): boolean {
  const digest = digestLabel(labelsOf(replica.current));
  const runs =
    digest === target || (digest === undefined && imageId !== undefined && replica.current.Image === imageId);
  return runs && replica.current.State.Running === true && nameOf(replica.current) === replica.name;
}
