import { type Digest, isDigest } from '../../oci/index.ts';
import type { Workload } from '../port.ts';
import type { EngineApi } from './api.ts';
import type { ContainerSummary, ImageInspect } from './api-types.ts';
import { digestLabel, Label } from './labels.ts';
import { ownName, workloadNameOf } from './replica.ts';
import { writtenBySystemd } from './systemd.ts';

/** `host/repo` of `host/repo:tag@digest`. */
export function repositoryOf(image: string): string {
  const bare = image.split('@')[0] as string;
  const colon = bare.lastIndexOf(':');
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare;
}

/** The manifest digest an engine's image was pulled by: from the same repository, or the only one there is. */
export function manifestDigest(image: ImageInspect | undefined, reference: string): Digest | undefined {
  const pinned = reference.split('@')[1];
  if (pinned !== undefined && isDigest(pinned)) return pinned;
  const known = (image?.RepoDigests ?? []).map((entry) => entry.split('@') as [string, string]);
  const own = known.filter(([repository]) => repository === repositoryOf(reference));
  const digests = new Set((own.length > 0 ? own : known).map(([, digest]) => digest));
  const [only] = digests;
  return digests.size === 1 && only !== undefined && isDigest(only) ? only : undefined;
}

/** `podman:web`, on another host `podman@HOST:web`. */
export const workloadId = (engine: string, host: string | undefined, name: string): string =>
  `${engine}${host === undefined ? '' : `@${host}`}:${name}`;

function workloadOf(
  engine: string,
  host: string | undefined,
  name: string,
  members: readonly (readonly [ContainerSummary, Digest | undefined])[],
): Workload {
  const digests = new Set(members.map(([, digest]) => digest));
  const [first] = members as [readonly [ContainerSummary, Digest | undefined]];
  const image = first[0].Labels?.[Label.reference] ?? first[0].Image ?? '';
  const digest = digests.size === 1 ? first[1] : undefined;
  const managedBy = writtenBySystemd(first[0].Labels ?? {});
  return {
    id: workloadId(engine, host, name),
    kind: 'container',
    name,
    namespace: host ?? '',
    image,
    digest,
    containers: [{ name, image, digest }],
    replicas: new Set(members.map(([{ Names }]) => ownName(Names?.[0] ?? ''))).size,
    ...(managedBy === undefined ? {} : { managedBy }),
  };
}

/** Labelled groups as one workload each, every other running container as one of its own; throw-away containers are left out. */
export async function listWorkloads(api: EngineApi, host?: string): Promise<readonly Workload[]> {
  const images = new Map<string, Promise<ImageInspect | undefined>>();
  const inspect = async (id: string): Promise<ImageInspect | undefined> => {
    const known = images.get(id) ?? api.image(id);
    images.set(id, known);
    return await known;
  };
  const containers = (await api.list()).filter(
    ({ Labels, State }) =>
      Labels?.[Label.owner] === undefined && (Labels?.[Label.workload] !== undefined || State === 'running'),
  );
  const groups = Map.groupBy(containers, ({ Labels, Names, Id }) =>
    workloadNameOf(Labels ?? {}, (Names?.[0] ?? Id).replace(/^\//, '')),
  );
  const workloads: Workload[] = [];
  for (const [name, members] of groups) {
    const withDigest = await Promise.all(
      members.map(async (member) => {
        const digest = digestLabel(member.Labels ?? {});
        return [member, digest ?? manifestDigest(await inspect(member.ImageID ?? ''), member.Image ?? '')] as const;
      }),
    );
    workloads.push(workloadOf(api.engine, host, name, withDigest));
  }
  return workloads.sort((a, b) => a.name.localeCompare(b.name));
}
