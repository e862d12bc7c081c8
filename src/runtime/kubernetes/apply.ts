import { CLAIM } from './claim.ts';
import { apiVersionOf, containersOf, type RunKind, type WorkloadObject } from './objects.ts';

export const FIELD_MANAGER = 'heraklit';

/** On the workload itself, not on its pod template: a changed annotation must not restart anything. */
export const Annotation = {
  tag: 'io.heraklit.tag',
  /** What ran before, so that a rollout that lost its process can still be taken back. */
  previous: 'io.heraklit.previous-image',
} as const;

const inside = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value,
  );

/** Names of containers whose image field an entry of managedFields (FieldsV1) holds. */
function imagesIn(fieldsV1: unknown): readonly string[] {
  const job = inside(fieldsV1, 'f:spec', 'f:jobTemplate', 'f:spec');
  const template = inside(job ?? inside(fieldsV1, 'f:spec'), 'f:template', 'f:spec', 'f:containers');
  return Object.entries((template ?? {}) as object)
    .filter(([key, fields]) => key.startsWith('k:') && inside(fields, 'f:image') !== undefined)
    .map(([key]) => String((JSON.parse(key.slice(2)) as { name?: string }).name));
}

/** Containers whose image field is ours already. */
export function ownedContainers(object: WorkloadObject): readonly string[] {
  return (object.metadata.managedFields ?? [])
    .filter(({ manager, operation, subresource }) => {
      return manager === FIELD_MANAGER && operation === 'Apply' && (subresource ?? '') === '';
    })
    .flatMap(({ fieldsV1 }) => imagesIn(fieldsV1));
}

/** Who wrote the image of this container, as far as the object tells. */
export function writerOfImage(object: WorkloadObject, container: string): string {
  const entries = object.metadata.managedFields ?? [];
  return entries.find(({ fieldsV1 }) => imagesIn(fieldsV1).includes(container))?.manager ?? 'somebody else';
}

export interface ImageChange {
  readonly container: string;
  readonly image: string;
  readonly previous: string;
  readonly tag: string | undefined;
  /** Text of the annotation that says whose rollout this is. */
  readonly claim: string;
}

/**
 * The body of the server-side apply: one image and our annotations. Images we own in other containers of the same pod are
 * repeated as they are, because a field that leaves an applied body is removed from the object.
 */
export function applyBody(kind: RunKind, object: WorkloadObject, change: ImageChange): object {
  const owned = new Set([...ownedContainers(object), change.container]);
  const containers = containersOf(object)
    .filter(({ name }) => owned.has(name))
    .map(({ name, image }) => ({ name, image: name === change.container ? change.image : image }));
  const template = { spec: { containers } };
  return {
    apiVersion: apiVersionOf(kind),
    kind,
    metadata: {
      name: object.metadata.name,
      namespace: object.metadata.namespace,
      // What was decided was decided about this state: the server refuses the body for any other.
      resourceVersion: object.metadata.resourceVersion,
      annotations: {
        [CLAIM]: change.claim,
        [Annotation.previous]: change.previous,
        ...(change.tag === undefined ? {} : { [Annotation.tag]: change.tag }),
      },
    },
    spec: kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template },
  };
}

/** True when every conflict is about the image of this container or an annotation of ours: those are ours to force. */
export function mayForce(fields: readonly (string | undefined)[], container: string): boolean {
  const image = new RegExp(
    `\\.containers\\[name=${JSON.stringify(container).replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')}\\]\\.image$`,
  );
  return (
    fields.length > 0 &&
    fields.every(
      (field) => field !== undefined && (image.test(field) || field.startsWith('.metadata.annotations.io.heraklit.')),
    )
  );
}
