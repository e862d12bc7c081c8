import { type Pod, pathOf, WORKLOAD_KINDS, type WorkloadKind, type WorkloadObject } from '../objects.ts';
import {
  type DefinitionRecord,
  definitionRecord,
  type OwnerRecord,
  ownerRecord,
  type PodRecord,
  podRecord,
} from './records.ts';
import type { MiddleKind, WorkloadJoin } from './workload-join.ts';

/** A collection that is watched, and what its objects are to the join. */
export interface Collection {
  readonly path: string;
  /** Only names and owners are asked for. */
  readonly metadataOnly: boolean;
  /** Without it nothing can be told; without another one less is. */
  readonly essential: boolean;
  /** What is kept of an object; undefined where it does not count. */
  readonly reduce: (object: unknown) => unknown;
  /** @param record what `reduce` made of it; undefined where it is gone */
  set(join: WorkloadJoin, key: string, record: unknown): void;
}

const inNamespace = (group: string, namespace: string | undefined, plural: string): string =>
  `/apis/${group}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;

function middle(kind: MiddleKind, path: string): Collection {
  return {
    path,
    metadataOnly: true,
    essential: false,
    reduce: (object) => ownerRecord(object as WorkloadObject),
    set: (join, key, record) => join.setOwner(kind, key, record as OwnerRecord | undefined),
  };
}

function definitions(kind: WorkloadKind, path: string): Collection {
  return {
    path,
    metadataOnly: false,
    essential: false,
    reduce: (object) => definitionRecord(kind, object as WorkloadObject),
    set: (join, key, record) => join.setDefinition(kind, key, record as DefinitionRecord | undefined),
  };
}

/** Everything that is watched of one namespace, or of the whole cluster. Owners come before pods: that spares moves. */
export function collectionsOf(namespace: string | undefined): readonly Collection[] {
  return [
    middle('ReplicaSet', inNamespace('apps/v1', namespace, 'replicasets')),
    middle('Job', inNamespace('batch/v1', namespace, 'jobs')),
    ...WORKLOAD_KINDS.map((kind) => definitions(kind, pathOf(kind, namespace))),
    {
      path: pathOf('Pod', namespace),
      metadataOnly: false,
      essential: true,
      reduce: (object) => podRecord(object as Pod),
      set: (join, key, record) => join.setPod(key, record as PodRecord | undefined),
    },
  ];
}
