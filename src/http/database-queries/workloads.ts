import type { DatabaseReader } from '../../database/index.ts';
import { DEFAULT_GRADE_POLICY, gradeOf } from '../../inventory/index.ts';
import { type FleetRow, fleet } from '../../inventory/store/index.ts';
import type { Workload } from '../workloads-contract.ts';
import type { Grading } from './grading.ts';
import { allRows } from './pages.ts';

function stateOf(
  { replicas, ready }: { readonly replicas: number; readonly ready: number | null },
  rollout: { outcome: string | null; interrupted: boolean } | undefined,
): Workload['state'] {
  if (replicas === 0) return 'stopped';
  if (rollout === undefined) return (ready ?? replicas) < replicas ? 'degraded' : 'running';
  if (rollout.outcome === null) return rollout.interrupted ? 'degraded' : 'progressing';
  return rollout.outcome === 'rolledback' ? 'rolled back' : 'running';
}

/** Of the image it runs, by its own thresholds where the fleet file has some. */
function gradeFor(
  workload: string,
  image: FleetRow | undefined,
  now: Date,
  grading: Grading | undefined,
): Pick<Workload, 'grade' | 'dropsAt'> {
  if (image?.exposure === undefined) return { grade: null, dropsAt: null };
  const { thresholds } = grading?.ofWorkload(workload) ?? DEFAULT_GRADE_POLICY;
  const { grade, dropsAt } = gradeOf(image.exposure, now.getTime() / 1000, thresholds);
  return { grade, dropsAt: dropsAt === undefined ? null : new Date(dropsAt * 1000).toISOString() };
}

/** Digests of images in the inventory by those that workloads tell: of indexes and configurations, too. */
async function knownAs(reader: DatabaseReader, digests: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (digests.length === 0) return new Map();
  const others = await reader
    .selectFrom('image_digest')
    .innerJoin('image', 'image.id', 'image_digest.image')
    .select(['image_digest.digest as told', 'image.digest'])
    .where('image_digest.digest', 'in', [...digests])
    .orderBy('image.id')
    .execute();
  // The first image that a digest stands for; else one that is known by just that digest, or none.
  const known = new Map<string, string>();
  for (const { told, digest } of others) if (!known.has(told)) known.set(told, digest);
  for (const digest of digests) if (!known.has(digest)) known.set(digest, digest);
  return known;
}

/** What runs, as the runtimes listed it last, with how its last rollout ended. */
export async function readWorkloads(
  reader: DatabaseReader,
  now: Date,
  grading?: Grading,
): Promise<readonly Workload[]> {
  const [rows, replicas, rollouts, released] = await Promise.all([
    reader.selectFrom('workload').selectAll().orderBy('name').orderBy('id').orderBy('container').execute(),
    reader.selectFrom('workload_replicas').selectAll().orderBy('digest').execute(),
    reader
      .selectFrom('rollout')
      .distinctOn(['workload', 'container'])
      .select(['workload', 'container', 'outcome', 'interrupted'])
      .orderBy('workload')
      .orderBy('container')
      .orderBy('id', 'desc')
      .execute(),
    reader.selectFrom('fleet_image').select('digest').where('digest', 'is not', null).execute(),
  ]);
  const running = Map.groupBy(replicas, ({ id, container }) => `${id} ${container}`);
  const imageOf = await knownAs(reader, [...new Set(rows.flatMap(({ digest }) => digest ?? []))]);
  const digests = [...new Set(imageOf.values())];
  const policy = grading?.policy ?? DEFAULT_GRADE_POLICY;
  const images = digests.length === 0 ? [] : await allRows((page) => fleet(reader, { ...page, digests, now, policy }));
  const inventory = new Map(images.map((image) => [image.digest, image]));
  const last = new Map(rollouts.map((row) => [`${row.workload} ${row.container}`, row]));
  const current = new Set(released.map(({ digest }) => digest));
  return rows.map((row) => ({
    id: row.id,
    container: row.container,
    role: row.role,
    name: row.name,
    kind: row.kind,
    namespace: row.namespace === '' ? null : row.namespace,
    image: row.image,
    digest: row.digest,
    running: (running.get(`${row.id} ${row.container}`) ?? []).map(({ digest, replicas }) => ({ digest, replicas })),
    current: row.digest !== null && current.has(row.digest),
    state: stateOf(row, last.get(`${row.id} ${row.container}`)),
    ...gradeFor(row.id, inventory.get(imageOf.get(row.digest ?? '') ?? ''), now, grading),
    ready: row.ready ?? row.replicas,
    wanted: row.replicas,
  }));
}
