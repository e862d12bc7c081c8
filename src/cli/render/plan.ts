import type { Plan as ServedPlan } from '../../http/index.ts';
import type { Plan } from '../../plan/index.ts';
import type { Colours } from './colours.ts';
import { renderTable } from './table.ts';

/** One row per task, in the order they are carried out. */
export function renderPlan(plan: Plan, colours: Colours): string {
  const rows = plan.tasks.map((task) => ({
    image: task.image,
    level: String(task.level),
    updates: String(task.missing.length),
    security: String(task.missing.filter((one) => one.security).length),
    advisories: String(new Set(task.missing.flatMap((one) => one.advisories)).size),
    strategy: task.strategy,
    because: task.because,
  }));
  return renderTable(rows, [
    { title: 'IMAGE', value: (row) => row.image },
    { title: 'LEVEL', value: (row) => row.level, align: 'right' },
    { title: 'UPDATES', value: (row) => row.updates, align: 'right' },
    {
      title: 'SECURITY',
      value: (row) => row.security,
      align: 'right',
      paint: (text, row) => (row.security === '0' ? text : colours.red(text)),
    },
    { title: 'CVES', value: (row) => row.advisories, align: 'right' },
    { title: 'STRATEGY', value: (row) => row.strategy, paint: (text) => colours.cyan(text) },
    { title: 'BECAUSE', value: (row) => row.because },
  ]);
}

/** The plan of a running server, with what became of each task. */
export function renderServedPlan(plan: ServedPlan, colours: Colours): string {
  if (plan.tasks.length === 0) return 'Nothing was planned yet.';
  return renderTable(plan.tasks, [
    { title: 'IMAGE', value: (row) => row.image },
    { title: 'LEVEL', value: (row) => String(row.level), align: 'right' },
    { title: 'STATUS', value: (row) => row.status },
    { title: 'UPDATES', value: (row) => String(row.missing), align: 'right' },
    { title: 'SECURITY', value: (row) => String(row.security), align: 'right' },
    { title: 'STRATEGY', value: (row) => row.strategy, paint: (text) => colours.cyan(text) },
    { title: 'BECAUSE', value: (row) => row.error ?? row.because },
  ]);
}
