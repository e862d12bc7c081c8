import type { DatabaseReader } from '../../database/index.ts';
import type { Plan, PlanTask } from '../contract.ts';

const FAILED = new Set(['failed', 'broken', 'unresolvable']);

/** The run that is under way, else the last one. */
export async function readPlan(reader: DatabaseReader): Promise<Plan> {
  const run = await reader.selectFrom('run').selectAll().orderBy('started', 'desc').limit(1).executeTakeFirst();
  if (run === undefined) return { id: null, createdAt: null, status: 'empty', tasks: [] };
  const [rows, exposures] = await Promise.all([
    reader.selectFrom('task').selectAll().where('run', '=', run.id).orderBy('level').orderBy('image').execute(),
    reader
      .selectFrom('task')
      .innerJoin('image', 'image.digest', 'task.previous')
      .innerJoin('exposure', (join) =>
        join.onRef('exposure.package_set', '=', 'image.package_set').onRef('exposure.scope', '=', 'image.scope'),
      )
      .select(['task.image', 'exposure.findings', 'exposure.security'])
      .where('task.run', '=', run.id)
      .execute(),
  ]);
  const exposed = new Map(exposures.map((row) => [row.image, row]));
  const tasks = rows.map(
    (row): PlanTask => ({
      image: row.image,
      level: row.level,
      status: row.status as PlanTask['status'],
      reason: row.reason as PlanTask['reason'],
      strategy: row.strategy as PlanTask['strategy'],
      because: row.because,
      alternatives: JSON.parse(row.alternatives ?? '[]') as PlanTask['alternatives'],
      after: row.base === null ? [] : [row.base],
      missing: exposed.get(row.image)?.findings ?? 0,
      security: exposed.get(row.image)?.security ?? 0,
      seconds: null,
      error: row.error,
    }),
  );
  const failed = tasks.some(({ status }) => FAILED.has(status));
  const status = run.status === 'running' ? 'running' : failed ? 'failed' : 'finished';
  return { id: run.id, createdAt: run.started.toISOString(), status, tasks };
}
