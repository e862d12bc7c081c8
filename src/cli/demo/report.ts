import type { PipelineResult } from '../../engine/index.ts';
import type { FleetRow } from '../../inventory/store/index.ts';
import type { Plan } from '../../plan/index.ts';
import type { Colours } from '../render/colours.ts';
import { megabytes, type TaskReport } from '../render/tasks.ts';
import type { Traffic } from './containers.ts';

/** What `heraklit demo --json` prints. */
export interface DemoReport {
  readonly folder: string;
  readonly scripts: 'run' | 'none';
  readonly images: number;
  readonly levels: number;
  readonly before: FleetState | undefined;
  readonly plan: Plan['tasks'];
  readonly tasks: readonly TaskReport[];
  readonly after: FleetState;
  readonly secondsByStage: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly bytesBuilt: number;
  readonly bytesShared: number;
  readonly events: number;
  readonly rollout: Traffic | { readonly skipped: string };
}

export interface FleetState {
  readonly findings: number;
  readonly security: number;
  readonly advisories: number;
  readonly grades: Readonly<Record<string, number>>;
}

export function stateOf(rows: readonly FleetRow[], advisories: number): FleetState {
  const grades: Record<string, number> = {};
  for (const row of rows) {
    const grade = row.grade ?? '?';
    grades[grade] = (grades[grade] ?? 0) + 1;
  }
  return {
    findings: rows.reduce((sum, row) => sum + row.findings, 0),
    security: rows.reduce((sum, row) => sum + row.security, 0),
    advisories,
    grades,
  };
}

export const secondsByStage = (results: readonly PipelineResult[]): Readonly<Record<string, number>> => {
  const seconds: Record<string, number> = {};
  for (const { times } of results) {
    for (const [stage, milliseconds] of Object.entries(times)) {
      seconds[stage] = Math.round(((seconds[stage] ?? 0) + milliseconds / 1000) * 1000) / 1000;
    }
  }
  return seconds;
};

const gradeWords = (state: FleetState): string =>
  Object.entries(state.grades)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([grade, count]) => `${grade} ${count}`)
    .join('  ');

export function renderSummary(report: DemoReport, colours: Colours): string {
  const { before, after, rollout } = report;
  const stages = Object.entries(report.secondsByStage)
    .filter(([, seconds]) => seconds >= 0.01)
    .map(([stage, seconds]) => `${stage} ${seconds.toFixed(1)} s`)
    .join(', ');
  return [
    colours.bold('Before and after'),
    ...(before === undefined
      ? ['  before   already up to date: nothing arrived since the last run']
      : [
          `  before   ${before.findings} missing updates (${before.security} security, ${before.advisories} CVEs)   grades ${gradeWords(before)}`,
        ]),
    `  after    ${after.findings} missing updates   grades ${gradeWords(after)}`,
    `  bytes    ${megabytes(report.bytesBuilt)} of new layers pushed, ${megabytes(report.bytesShared)} shared with layers that were there`,
    `  rollout  ${
      'skipped' in rollout
        ? rollout.skipped
        : `${rollout.containers} containers, ${rollout.requests} requests while they were replaced, ${rollout.failed} failed`
    }`,
    `  events   ${report.events}`,
    `  time     ${report.seconds.toFixed(1)} s (${stages}; side by side where they can be)`,
    '',
    `Everything lies in ${report.folder}; look around with`,
    `  npx heraklit --home ${report.folder}/home outdated --all`,
    `  npx heraklit --home ${report.folder}/home where libssl3t64`,
    'Run the demo again: it finds nothing left to do.',
  ].join('\n');
}
