import type { FleetChanges, History, MovedReferences, PackageChange } from '../../http/index.ts';
import { printable, renderTable } from './table.ts';
import { count, shortDigest } from './words.ts';

/** `~ openssl:amd64 3.5.1-1 → 3.5.4-1`, `+` came, `-` went. */
export function changeLine(change: PackageChange): string {
  const name = `${change.package}${change.arch === '' ? '' : `:${change.arch}`}`;
  const type = change.type === 'deb' ? '' : ` (${change.type})`;
  switch (change.kind) {
    case 'added':
      return printable(`+ ${name} ${change.to}${type}`);
    case 'removed':
      return printable(`- ${name} ${change.from}${type}`);
    case 'upgraded':
      return printable(`~ ${name} ${change.from} → ${change.to}${type}`);
    case 'downgraded':
      return printable(`~ ${name} ${change.from} → ${change.to} (downgraded)${type}`);
  }
}

/** What a reference meant, newest first, with what changed. */
export function renderHistory({ reference, images }: History): string {
  const parts = images.map(({ digest, since, until, base, changes }) => {
    const head = `${shortDigest(digest)}  ${since} – ${until ?? 'now'}${base === null ? '' : `  on ${shortDigest(base)}`}`;
    const lines = changes === null ? ['the first'] : changes.length === 0 ? ['same packages'] : changes.map(changeLine);
    return [head, ...lines.map((line) => `  ${line}`)].join('\n');
  });
  return [printable(reference), ...parts].join('\n\n');
}

export function renderFleetChanges({ from, to, references, packages }: FleetChanges): string {
  const { added, removed, changed } = references;
  const head = `${from} – ${to}: ${count(changed, 'reference')} changed, ${added} came, ${removed} went`;
  if (packages.length === 0) return head;
  const table = renderTable(packages, [
    { title: 'IMAGES', value: (row) => String(row.images), align: 'right' },
    { title: 'CHANGE', value: (row) => row.kind },
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'TYPE', value: (row) => row.type },
    { title: 'ARCH', value: (row) => row.arch },
    { title: 'FROM', value: (row) => row.from ?? '' },
    { title: 'TO', value: (row) => row.to ?? '' },
  ]);
  return `${head}\n\n${table}`;
}

export function renderMoved({ references }: MovedReferences): string {
  if (references.length === 0) return 'No reference moved.';
  return renderTable(references, [
    { title: 'IMAGE', value: (row) => row.reference },
    { title: 'FROM', value: (row) => (row.from === null ? '' : shortDigest(row.from)) },
    { title: 'TO', value: (row) => (row.to === null ? '' : shortDigest(row.to)) },
  ]);
}
