import type { LoadedPackage, Observation, ObservedContainer } from '../../agent/index.ts';
import { printable, renderTable } from './table.ts';

/** A head and a table of what runs for each container; what is to be restarted first. */
export function renderObservation({ containers, unread }: Observation): string {
  const due = containers.toSorted((a, b) => Number(b.restartDue) - Number(a.restartDue));
  const parts = due.map(renderContainer);
  if (parts.length === 0) parts.push('No container runs here.');
  if (unread.length > 0) {
    const reason = printable(unread[0]?.reason ?? '');
    parts.push(`${unread.length === 1 ? '1 process' : `${unread.length} processes`} could not be read: ${reason}`);
  }
  return parts.join('\n\n');
}

function renderContainer(container: ObservedContainer): string {
  const { id, name, image, distribution, restartDue, packages, otherFiles, problem } = container;
  const head = [name ?? id.slice(0, 12), image ?? 'unknown image', distribution ?? 'unknown distribution'];
  const state = restartDue ? 'restart due' : 'runs what is installed';
  const lines = [`${printable(head.join('  '))}: ${problem === undefined ? state : printable(problem)}`];
  const rows = packages.toSorted((a, b) => Number(b.restartDue) - Number(a.restartDue));
  const table = renderTable(rows, [
    { title: 'PACKAGE', value: (row: LoadedPackage) => row.package },
    { title: 'LOADED', value: (row) => row.loaded ?? '?' },
    { title: 'INSTALLED', value: (row) => row.installed },
    { title: 'RESTART', value: (row) => (row.restartDue ? 'due' : '') },
  ]);
  if (rows.length > 0) lines.push(table);
  for (const file of otherFiles) lines.push(printable(`replaced, of no package: ${file}`));
  return lines.join('\n');
}
