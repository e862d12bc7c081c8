import type { DatabaseReader } from '../../database/index.ts';
import { DEFAULT_GRADE_POLICY, gradeOf } from '../../inventory/index.ts';
import { type FleetRow, fleet } from '../../inventory/store/index.ts';
import type { Workload } from '../contract.ts';
import type { Grading } from './grading.ts';
import { allRows } from './pages.ts';

function stateOf(rollout: { outcome: string | null; interrupted: boolean } | undefined): Workload['state'] {
  if (rollout === undefined) return 'running';
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

/** What runs, as the runtimes listed it last, with how its last rollout ended. */
export async function readWorkloads(
  reader: DatabaseReader,
  now: Date,
  grading?: Grading,
): Promise<readonly Workload[]> {
  const [rows, rollouts, released] = await Promise.all([
    reader.selectFrom('workload').selectAll().orderBy('name').orderBy('id').orderBy('container').execute(),
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
  const digests = [...new Set(rows.flatMap(({ digest }) => digest ?? []))];
  const policy = grading?.policy ?? DEFAULT_GRADE_POLICY;
  const images = digests.length === 0 ? [] : await allRows((page) => fleet(reader, { ...page, digests, now, policy }));
  const inventory = new Map(images.map((image) => [image.digest, image]));
  const last = new Map(rollouts.map((row) => [`${row.workload} ${row.container}`, row]));
  const current = new Set(released.map(({ digest }) => digest));
  return rows.map((row) => ({
    name: row.name,
    kind: row.kind,
    namespace: row.namespace === '' ? null : row.namespace,
    image: row.image,
    digest: row.digest,
    current: row.digest !== null && current.has(row.digest),
    state: row.replicas === 0 ? 'stopped' : stateOf(last.get(`${row.id} ${row.container}`)),
    ...gradeFor(row.id, inventory.get(row.digest ?? ''), now, grading),
    ready: row.replicas,
    wanted: row.replicas,
  }));
}
