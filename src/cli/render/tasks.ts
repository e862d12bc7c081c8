import type { Task } from '../../engine/index.ts';
import type { Colours } from './colours.ts';
import { renderTable } from './table.ts';

/** What became of one task. */
export interface TaskReport {
  readonly image: string;
  readonly status: string;
  readonly strategy: string;
  readonly reason: string;
  readonly packages: number;
  readonly advisories: number;
  readonly bytesBuilt: number;
  readonly bytesShared: number;
  readonly digest: string | undefined;
}

interface StoredResult {
  readonly descriptor?: { readonly digest?: string };
  readonly summary?: {
    readonly strategy?: string;
    readonly reason?: string;
    readonly changes?: readonly unknown[];
    readonly advisoriesFixed?: readonly unknown[];
    readonly statistics?: { readonly bytesBuilt?: number; readonly bytesShared?: number };
  };
}

export function taskReport(task: Task): TaskReport {
  const result = (task.result === null ? {} : JSON.parse(task.result)) as StoredResult;
  const { summary } = result;
  return {
    image: task.image,
    status: task.status,
    strategy: summary?.strategy ?? task.strategy,
    reason: summary?.reason ?? task.because,
    packages: summary?.changes?.length ?? 0,
    advisories: summary?.advisoriesFixed?.length ?? 0,
    bytesBuilt: summary?.statistics?.bytesBuilt ?? 0,
    bytesShared: summary?.statistics?.bytesShared ?? 0,
    digest: result.descriptor?.digest,
  };
}

export const nothingToDo = (problems: readonly unknown[]): string =>
  problems.length === 0 ? 'Nothing to do: every image is up to date.' : 'Nothing can be done: see the problems.';

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
export function renderTasks(tasks: readonly TaskReport[], colours: Colours): string {
  return renderTable(tasks, [
    { title: 'IMAGE', value: (row) => row.image },
    {
      title: 'STATUS',
      value: (row) => row.status,
      paint: (text, row) =>
        row.status === 'succeeded' || row.status === 'unchanged' ? colours.green(text) : colours.red(text),
    },
    { title: 'STRATEGY', value: (row) => row.strategy, paint: (text) => colours.cyan(text) },
    { title: 'PACKAGES', value: (row) => String(row.packages), align: 'right' },
    { title: 'CVES FIXED', value: (row) => String(row.advisories), align: 'right' },
    { title: 'BUILT', value: (row) => megabytes(row.bytesBuilt), align: 'right' },
    { title: 'SHARED', value: (row) => megabytes(row.bytesShared), align: 'right' },
  ]);
}
