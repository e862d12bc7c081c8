import type { Digest } from '../../../oci/index.ts';
import { type DefinitionRecord, type PodRecord, pinnedDigest } from './records.ts';
import type { ObservedContainer, ObservedWorkload, RunningImage } from './types.ts';

export interface WorkloadName {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** One workload as its definition (where there is one) and its pods tell it; undefined where there is neither. */
export function observeWorkload(
  cluster: string,
  { namespace, kind, name }: WorkloadName,
  definition: DefinitionRecord | undefined,
  pods: readonly PodRecord[],
): ObservedWorkload | undefined {
  const containers = containersOf(definition, pods);
  if (containers.length === 0) return undefined;
  return {
    id: `kubernetes:${cluster}/${namespace}/${kind}/${name}`,
    kind,
    namespace,
    name,
    replicas: definition?.replicas ?? pods.length,
    ready: pods.filter(({ ready }) => ready).length,
    containers,
  };
}

function containersOf(
  definition: DefinitionRecord | undefined,
  pods: readonly PodRecord[],
): readonly ObservedContainer[] {
  const known = new Map(definition?.containers.map(({ name, role, image }) => [name, { role, image }]));
  // Where pods alone tell, the newest one does.
  const newestFirst = [...pods].sort((a, b) => (a.created < b.created ? 1 : -1));
  for (const pod of newestFirst) {
    for (const { name, role, image } of pod.containers) {
      if (known.has(name)) continue;
      known.set(name, { role: definition !== undefined && role === 'container' ? 'injected' : role, image });
    }
  }
  const running = runningIn(pods);
  return [...known].map(([name, { role, image }]) => {
    const copies = running.get(name) ?? new Map<Digest, Copies>();
    const [only, ...more] = copies;
    const pulled = only !== undefined && more.length === 0 && only[1].pullable ? only[0] : undefined;
    const digest = pinnedDigest(image) ?? pulled;
    const told: RunningImage[] = [...copies]
      .map(([of, { replicas }]) => ({ digest: of, replicas }))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1));
    return { name, role, image, digest, running: told.every((one) => one.digest === digest) ? [] : told };
  });
}

interface Copies {
  replicas: number;
  pullable: boolean;
}

/** Container → what its copies run. */
function runningIn(pods: readonly PodRecord[]): ReadonlyMap<string, ReadonlyMap<Digest, Copies>> {
  const running = new Map<string, Map<Digest, Copies>>();
  for (const { containers } of pods) {
    for (const { name, running: id } of containers) {
      if (id === undefined) continue;
      const copies = running.get(name) ?? new Map<Digest, Copies>();
      running.set(name, copies);
      const known = copies.get(id.digest);
      copies.set(id.digest, {
        replicas: (known?.replicas ?? 0) + 1,
        pullable: id.pullable || known?.pullable === true,
      });
    }
  }
  return running;
}
