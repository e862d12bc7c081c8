import type { Revision } from '../../source/index.ts';
import { printable, renderTable } from './table.ts';
import { ageText, bytesText, count } from './words.ts';

const SHORT = 12;
const shortOf = ({ commit, tree }: Revision): string => commit?.slice(0, SHORT) ?? `sha256:${tree.slice(7, 7 + SHORT)}`;
const placeOf = ({ location, path }: Revision): string => printable(path === '' ? location : `${location} ${path}/`);

export function renderRevisions(revisions: readonly Revision[], now: number): string {
  if (revisions.length === 0) return 'No sources were fetched.';
  return renderTable(revisions, [
    { title: 'SOURCE', value: placeOf },
    { title: 'REVISION', value: shortOf },
    { title: 'TREE', value: ({ tree }) => tree.slice(7, 7 + SHORT) },
    { title: 'FILES', value: ({ files }) => String(files), align: 'right' },
    { title: 'SIZE', value: ({ bytes }) => bytesText(bytes), align: 'right' },
    { title: 'AGE', value: ({ fetched }) => ageText(fetched, now), align: 'right' },
  ]);
}

export function renderRevision(revision: Revision): string {
  const { commit, ref, tree, files, bytes, submodules = [], notes = [] } = revision;
  const lines = [`${placeOf(revision)}: ${count(files, 'file')}, ${bytesText(bytes)}`];
  if (commit !== undefined) lines.push(`commit ${commit}${ref === undefined ? '' : ` (${printable(ref)})`}`);
  lines.push(`tree ${tree}`);
  for (const one of submodules) lines.push(`submodule ${printable(one.path)}: ${printable(one.url)} ${one.commit}`);
  for (const note of notes) lines.push(`note: ${printable(note)}`);
  return lines.join('\n');
}

export function renderDamage(facts: {
  readonly trees: number;
  readonly revisions: number;
  readonly damaged: readonly { readonly revision: Revision; readonly why: string }[];
}): string {
  const { trees, revisions, damaged } = facts;
  const bad = damaged.map(({ revision, why }) => `${placeOf(revision)} ${shortOf(revision)}: ${why}`);
  const sum = `${count(revisions, 'revision')}, ${count(trees, 'tree')}: ${damaged.length === 0 ? 'all whole' : `${damaged.length} damaged`}`;
  return [...bad, sum].join('\n');
}
