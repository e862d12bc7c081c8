import type { Place, WhereAdvisory, WhereDigest, WhereFile } from '../../http/index.ts';
import { renderTable } from './table.ts';
import { placeText, usageJson, usedColumn } from './used.ts';
import { shortDigest } from './words.ts';

interface WhereView {
  readonly package: string;
  readonly type: string;
  readonly version: string;
  readonly arch: string;
  readonly images: readonly {
    readonly reference: string | null;
    readonly digest: string;
    readonly workloads: readonly string[];
    readonly usage?: Place['usage'];
    readonly linkedBy?: Place['linkedBy'];
    readonly loadedIn?: Place['loadedIn'];
  }[];
  readonly layer: string | null;
}

/** Rows of one version and layer together: what `where --format json` prints under `packages`. */
export function groupWhere(rows: readonly Place[]): readonly WhereView[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.package, row.type, row.version, row.arch, row.layer]));
  return [...groups.values()].map((group) => {
    const { package: name, type, version, arch, layer } = group[0] as Place;
    const images = group.map((row) => ({
      reference: row.reference === row.digest ? null : row.reference,
      digest: row.digest,
      workloads: row.workloads,
      ...usageJson(row),
    }));
    return { package: name, type, version, arch, layer, images };
  });
}

type Answer =
  | { readonly kind: 'package'; readonly name: string; readonly rows: readonly Place[]; readonly next: string | null }
  | { readonly kind: 'file'; readonly answer: WhereFile }
  | { readonly kind: 'digest'; readonly answer: WhereDigest }
  | { readonly kind: 'advisory'; readonly answer: WhereAdvisory };

export function answerJson(answer: Answer): object {
  return answer.kind === 'package' ? { packages: groupWhere(answer.rows), next: answer.next } : answer.answer;
}

export function answerTable(answer: Answer): string {
  switch (answer.kind) {
    case 'package':
      return answer.rows.length === 0 ? `No image in the inventory has ${answer.name}.` : renderWhere(answer.rows);
    case 'file':
      return answer.answer.places.length === 0 ? 'No image in the inventory shows it.' : fileTable(answer.answer);
    case 'digest':
      return answer.answer.places.length === 0 ? 'No image in the inventory has it.' : digestTable(answer.answer);
    case 'advisory':
      return answer.answer.places.length === 0
        ? `No image in the inventory has a package that ${answer.answer.advisory} is known to be about.`
        : advisoryTable(answer.answer);
  }
}

const IMAGE = [
  {
    title: 'IMAGE',
    value: (row: { readonly reference: string; readonly digest: string }) =>
      row.reference === row.digest ? '(no name)' : row.reference,
  },
  { title: 'DIGEST', value: (row: { readonly digest: string }) => shortDigest(row.digest) },
];
const WORKLOADS = {
  title: 'WORKLOADS',
  value: (row: { readonly workloads: readonly string[] }) => row.workloads.join(', '),
};

/** One line an image: which version it has, what names it, which layer brought it. */
export function renderWhere(rows: readonly Place[]): string {
  return renderTable(rows, [
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'TYPE', value: (row) => row.type },
    { title: 'VERSION', value: (row) => row.version },
    { title: 'ARCH', value: (row) => row.arch },
    ...IMAGE,
    { title: 'LAYER', value: (row) => (row.layer === null ? '' : shortDigest(row.layer)) },
    ...usedColumn(rows, (row) => row),
    WORKLOADS,
    ...(rows.some(({ loadedIn }) => loadedIn !== undefined)
      ? [{ title: 'LOADED IN', value: ({ loadedIn = [] }: Place) => loadedIn.map(placeText).join(', ') }]
      : []),
  ]);
}

function fileTable({ places }: WhereFile): string {
  return renderTable(places, [
    { title: 'PATH', value: (row) => row.path },
    ...IMAGE,
    { title: 'LAYER', value: (row) => shortDigest(row.layer) },
    WORKLOADS,
  ]);
}

function digestTable({ places }: WhereDigest): string {
  return renderTable(places, [
    { title: 'IS', value: (row) => row.role },
    ...IMAGE,
    { title: 'PATH', value: (row) => row.path ?? '' },
    WORKLOADS,
  ]);
}

function advisoryTable({ places }: WhereAdvisory): string {
  return renderTable(places, [
    { title: 'FIX', value: (row) => (row.state === 'affected' ? 'none known' : row.state) },
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'VERSION', value: (row) => row.version },
    { title: 'FIXED IN', value: (row) => row.fixedIn ?? '' },
    ...IMAGE,
    WORKLOADS,
  ]);
}
