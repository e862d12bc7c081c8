import type { FleetZone } from '../../recipe/index.ts';
import type { Workload } from '../../runtime/index.ts';

/** Where a workload runs: the context of its cluster, or the name of its runtime (`podman`, `gitops:deploy`). */
export function hostOf({ id, kind, namespace, name }: Workload): string {
  const tail = id.startsWith('kubernetes:') ? `/${namespace}/${kind}/${name}` : name;
  const head = id.endsWith(tail) ? id.slice(0, id.length - tail.length) : id;
  return head.replace(/^kubernetes:/, '').replace(/[:/]$/, '');
}

/** The zone a workload is in; a namespace of its own comes before its cluster. */
export function zoneOf(workload: Workload, zones: readonly FleetZone[]): FleetZone | undefined {
  const host = hostOf(workload);
  const space = `${host}/${workload.namespace}`;
  const cluster = workload.id.startsWith('kubernetes:');
  const git = host.startsWith('gitops:') ? host.slice('gitops:'.length) : undefined;
  return (
    (cluster ? zones.find(({ namespaces = [] }) => namespaces.includes(space)) : undefined) ??
    zones.find(({ clusters = [], hosts = [], git: repositories = [] }) =>
      cluster ? clusters.includes(host) : git === undefined ? hosts.includes(host) : repositories.includes(git),
    )
  );
}

/** Zones before those that images go on to from them; otherwise as they stand. Edges go in no circle. */
export function inOrder(zones: readonly FleetZone[]): readonly FleetZone[] {
  const done = new Set<FleetZone>();
  const place = (zone: FleetZone): void => {
    for (const before of zones) if (before.to?.includes(zone.name) && !done.has(before)) place(before);
    done.add(zone);
  };
  for (const zone of zones) if (!done.has(zone)) place(zone);
  return [...done];
}

export type Entry =
  /** `from`: the zone it comes from; null where the zone takes images from outside. */
  { readonly kind: 'allowed'; readonly from: string | null } | { readonly kind: 'refused'; readonly reason: string };

/** Whether an image may enter a zone, given the zones in which it proved good. */
export function entryOf(zone: FleetZone, zones: readonly FleetZone[], good: ReadonlySet<string>): Entry {
  const sources = zones.filter(({ to = [] }) => to.includes(zone.name)).map(({ name }) => name);
  if (sources.length === 0) return { kind: 'allowed', from: null };
  const from = sources.find((name) => good.has(name));
  if (from !== undefined) return { kind: 'allowed', from };
  const reason = `zone ${zone.name} takes images that proved good in ${sources.join(' or ')}, and this one did not`;
  return { kind: 'refused', reason };
}

/** How workloads of a zone name an image: by the zone's own registry where it has one. */
export function imageFor(
  zone: FleetZone | undefined,
  image: { readonly image: string; readonly repository: string; readonly digest: string },
): string {
  return zone?.registry === undefined ? image.image : `${zone.registry.endpoint}/${image.repository}@${image.digest}`;
}
