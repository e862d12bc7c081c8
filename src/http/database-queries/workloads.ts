import type { DatabaseReader } from '../../database/index.ts';
import type { Workload } from '../contract.ts';

function stateOf(rollout: { outcome: string | null; interrupted: boolean } | undefined): Workload['state'] {
  if (rollout === undefined) return 'running';
  if (rollout.outcome === null) return rollout.interrupted ? 'degraded' : 'progressing';
  return rollout.outcome === 'rolledback' ? 'rolled back' : 'running';
}

/** What runs, as the runtimes listed it last, with how its last rollout ended. */
export async function readWorkloads(reader: DatabaseReader): Promise<readonly Workload[]> {
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
    ready: row.replicas,
    wanted: row.replicas,
  }));
}
