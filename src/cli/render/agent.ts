import type { LoadedPackage, Observation, ObservedContainer } from '../../agent/index.ts';
import type { Hosts } from '../../http/index.ts';
import { printable, renderTable } from './table.ts';
import { shortDigest } from './words.ts';

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

/** A head and a table of containers for each host; of packages those that need a restart. */
export function renderHosts(hosts: Hosts['hosts']): string {
  if (hosts.length === 0) return 'No host reports what its containers run (heraklit agent --report).';
  return hosts
    .map(({ name, id, observed, current, containers }) => {
      const state = current ? `last seen ${observed}` : `stopped reporting; last seen ${observed}`;
      const head = printable(`${name}  ${id}: ${state}`);
      if (containers.length === 0) return `${head}\nno container`;
      const table = renderTable(containers, [
        { title: 'CONTAINER', value: (row) => row.name ?? row.id.slice(0, 12) },
        { title: 'IMAGE', value: (row) => row.image ?? '?' },
        { title: 'DIGEST', value: (row) => (row.digest === null ? 'not in the inventory' : shortDigest(row.digest)) },
        { title: 'PACKAGES', value: (row) => String(row.packages.length), align: 'right' },
        { title: 'RESTART', value: (row) => (row.restartDue ? restartText(row.packages) : '') },
      ]);
      return `${head}\n${table}`;
    })
    .join('\n\n');
}

type Packages = Hosts['hosts'][number]['containers'][number]['packages'];

const restartText = (packages: Packages): string =>
  ['due', ...packages.filter(({ restartDue }) => restartDue).map((item) => item.package)].join(' ');
