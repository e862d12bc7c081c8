import { observeWorkload, type WorkloadName } from './observe.ts';
import type { DefinitionRecord, OwnerRecord, OwnerReference, PodRecord } from './records.ts';
import type { ObservedWorkload } from './types.ts';

/** Kinds whose objects stand between a pod and what a person would call its workload. */
export type MiddleKind = 'ReplicaSet' | 'Job';

const isMiddle = (kind: string): kind is MiddleKind => kind === 'ReplicaSet' || kind === 'Job';

/**
 * Pods, their owners and the definitions of workloads, joined as they change. Only workloads that a change touches are
 * looked at again; one that looks the same after it is not told.
 */
export class WorkloadJoin {
  readonly #cluster: string;
  readonly #pods = new Map<string, PodRecord>();
  readonly #definitions = new Map<string, DefinitionRecord>();
  /** `namespace/ReplicaSet/name` → whose it is. */
  readonly #owners = new Map<string, OwnerReference | undefined>();
  /** Workload → keys of its pods. */
  readonly #podsOf = new Links();
  /** ReplicaSet or Job → keys of its pods. */
  readonly #podsUnder = new Links();
  readonly #workloadOfPod = new Map<string, string>();
  readonly #names = new Map<string, WorkloadName>();
  readonly #touched = new Set<string>();
  /** What was told last, as JSON text. */
  readonly #told = new Map<string, string>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  get isTouched(): boolean {
    return this.#touched.size > 0;
  }

  setPod(key: string, pod: PodRecord | undefined): void {
    const before = this.#pods.get(key);
    const middle = (record: PodRecord | undefined): string | undefined =>
      record?.owner !== undefined && isMiddle(record.owner.kind)
        ? `${record.namespace}/${record.owner.kind}/${record.owner.name}`
        : undefined;
    this.#podsUnder.remove(middle(before), key);
    if (pod === undefined) this.#pods.delete(key);
    else this.#pods.set(key, pod);
    this.#podsUnder.add(middle(pod), key);
    this.#place(key, pod);
  }

  setOwner(kind: MiddleKind, key: string, record: OwnerRecord | undefined): void {
    const [namespace, name] = key.split('/') as [string, string];
    const at = `${namespace}/${kind}/${name}`;
    if (record === undefined) this.#owners.delete(at);
    else this.#owners.set(at, record.owner);
    // An owner that is deleted goes before its pods do: they stay where they were until they are gone.
    if (record === undefined) return;
    for (const pod of [...this.#podsUnder.of(at)]) this.#place(pod, this.#pods.get(pod));
  }

  setDefinition(kind: DefinitionRecord['kind'], key: string, definition: DefinitionRecord | undefined): void {
    const [namespace, name] = key.split('/') as [string, string];
    const at = `${namespace}/${kind}/${name}`;
    this.#names.set(at, { namespace, kind, name });
    if (definition === undefined) this.#definitions.delete(at);
    else this.#definitions.set(at, definition);
    this.#touched.add(at);
  }

  /** What changed since the last call. */
  take(): { readonly changed: readonly ObservedWorkload[]; readonly gone: readonly string[] } {
    const changed: ObservedWorkload[] = [];
    const gone: string[] = [];
    for (const at of this.#touched) {
      const name = this.#names.get(at) as WorkloadName;
      const pods = [...this.#podsOf.of(at)].flatMap((key) => this.#pods.get(key) ?? []);
      const workload = observeWorkload(this.#cluster, name, this.#definitions.get(at), pods);
      const text = workload === undefined ? undefined : JSON.stringify(workload);
      if (text === this.#told.get(at)) continue;
      if (workload !== undefined && text !== undefined) {
        this.#told.set(at, text);
        changed.push(workload);
      } else {
        this.#told.delete(at);
        this.#names.delete(at);
        gone.push(`kubernetes:${this.#cluster}/${at}`);
      }
    }
    this.#touched.clear();
    return { changed, gone };
  }

  #place(key: string, pod: PodRecord | undefined): void {
    const before = this.#workloadOfPod.get(key);
    const name = pod === undefined ? undefined : this.#workloadOf(pod);
    const at = name === undefined ? undefined : `${name.namespace}/${name.kind}/${name.name}`;
    if (before !== undefined && before !== at) {
      this.#podsOf.remove(before, key);
      this.#touched.add(before);
    }
    if (name === undefined || at === undefined) {
      this.#workloadOfPod.delete(key);
      return;
    }
    this.#workloadOfPod.set(key, at);
    this.#names.set(at, name);
    this.#podsOf.add(at, key);
    this.#touched.add(at);
  }

  #workloadOf({ namespace, name, owner, revision }: PodRecord): WorkloadName {
    if (owner === undefined) return { namespace, kind: 'Pod', name };
    if (!isMiddle(owner.kind)) return { namespace, ...owner };
    const at = `${namespace}/${owner.kind}/${owner.name}`;
    const above = this.#owners.get(at);
    if (above !== undefined) return { namespace, ...above };
    // Owners that may not be read, or were not seen yet: ReplicaSets are called by the hashes of their templates.
    if (owner.kind === 'ReplicaSet' && revision !== undefined && !this.#owners.has(at)) {
      const end = `-${revision.hash}`;
      if (owner.name.endsWith(end)) return { namespace, kind: revision.kind, name: owner.name.slice(0, -end.length) };
    }
    return { namespace, ...owner };
  }
}

class Links {
  readonly #links = new Map<string, Set<string>>();

  of(at: string): ReadonlySet<string> {
    return this.#links.get(at) ?? new Set();
  }

  add(at: string | undefined, key: string): void {
    if (at === undefined) return;
    const keys = this.#links.get(at);
    if (keys === undefined) this.#links.set(at, new Set([key]));
    else keys.add(key);
  }

  remove(at: string | undefined, key: string): void {
    if (at === undefined) return;
    const keys = this.#links.get(at);
    keys?.delete(key);
    if (keys?.size === 0) this.#links.delete(at);
  }
}
