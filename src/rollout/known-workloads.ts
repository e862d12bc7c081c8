import type { DatabaseReader } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';
import type { Workload } from '../runtime/index.ts';

/** What ran when the runtimes were asked last, not before `since`: for questions that must touch nothing. */
export async function knownWorkloads(reader: DatabaseReader, since?: Date): Promise<readonly Workload[]> {
  const rows = await reader
    .selectFrom('workload')
    .selectAll()
    .where('role', '=', 'container')
    .where('seen', '>=', since ?? new Date(0))
    .orderBy('runtime')
    .orderBy('id')
    .orderBy('container')
    .execute();
  return [...Map.groupBy(rows, ({ id }) => id).values()].flatMap((slots): readonly Workload[] => {
    const containers = slots.map(({ container, image, digest }) => ({
      ...{ name: container, image, digest: (digest ?? undefined) as Digest | undefined },
    }));
    const [first, row] = [containers[0], slots[0]];
    if (first === undefined || row === undefined) return [];
    const { id, name, namespace, replicas } = row;
    const kind = row.kind as Workload['kind'];
    return [{ id, kind, name, namespace, replicas, containers, image: first.image, digest: first.digest }];
  });
}
