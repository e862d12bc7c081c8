import { renderTable } from './table.ts';
import { shortDigest } from './words.ts';

export interface WhereView {
  readonly package: string;
  readonly version: string;
  readonly arch: string;
  readonly images: readonly {
    readonly reference: string | null;
    readonly digest: string;
    readonly workloads: readonly string[];
  }[];
  readonly layer: string | null;
}

export interface WhereLine {
  readonly package: string;
  readonly version: string;
  readonly arch: string;
  readonly reference: string | undefined;
  readonly digest: string;
  readonly layer: string | undefined;
  readonly workloads: readonly string[];
}

/** Rows of one version and layer together: what `where --format json` prints under `packages`. */
export function groupWhere(rows: readonly WhereLine[]): readonly WhereView[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.package, row.version, row.arch, row.layer ?? null]));
  return [...groups.values()].map((group) => {
    const first = group[0] as WhereLine;
    return {
      package: first.package,
      version: first.version,
      arch: first.arch,
      layer: first.layer ?? null,
      images: group.map((row) => ({
        reference: row.reference ?? null,
        digest: row.digest,
        workloads: row.workloads,
      })),
    };
  });
}

/** One line an image: which version it has, what names it, which layer brought it. */
export function renderWhere(rows: readonly WhereLine[]): string {
  return renderTable(rows, [
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'VERSION', value: (row) => row.version },
    { title: 'ARCH', value: (row) => row.arch },
    { title: 'IMAGE', value: (row) => row.reference ?? '(no name)' },
    { title: 'DIGEST', value: (row) => shortDigest(row.digest) },
    { title: 'LAYER', value: (row) => (row.layer === undefined ? '' : shortDigest(row.layer)) },
    { title: 'WORKLOADS', value: (row) => row.workloads.join(', ') },
  ]);
}
