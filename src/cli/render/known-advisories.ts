import { printable, renderTable } from './table.ts';

/** What imported advisories say of one image's packages. */
export interface KnownView {
  readonly reference: string;
  readonly digest: string | undefined;
  readonly advisories: readonly {
    readonly package: string;
    /** `debian/bookworm`, `npm` */
    readonly ecosystem: string;
    readonly installed: string;
    readonly id: string;
    readonly severity: string | undefined;
    readonly score: number | undefined;
    /** First version without it, by the advisory; undefined where none is known. */
    readonly fixed: string | undefined;
    /** Why there is no fix: `postponed`, `ignored`, `end-of-life`; '' where nobody says. */
    readonly reason: string;
  }[];
}

export function renderKnown(views: readonly KnownView[]): string {
  return views.map(renderOne).join('\n\n');
}

function renderOne({ reference, advisories }: KnownView): string {
  if (advisories.length === 0) return `${printable(reference)}\nno imported advisory affects it`;
  const table = renderTable(advisories, [
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'OF', value: (row) => row.ecosystem },
    { title: 'INSTALLED', value: (row) => row.installed },
    { title: 'ADVISORY', value: (row) => row.id },
    { title: 'SEVERITY', value: (row) => row.severity ?? '' },
    { title: 'CVSS', value: (row) => row.score?.toFixed(1) ?? '', align: 'right' },
    { title: 'FIXED', value: (row) => row.fixed ?? row.reason },
  ]);
  return `${printable(reference)}\nadvisory only: what repositories offer is told without --advisories-only\n${table}`;
}

export function knownJson(views: readonly KnownView[]): object {
  return {
    images: views.map(({ reference, digest, advisories }) => ({
      reference,
      digest: digest ?? null,
      advisories: advisories.map(({ severity, score, fixed, reason, ...item }) => ({
        kind: 'advisory only',
        ...item,
        severity: severity ?? null,
        score: score ?? null,
        fixed: fixed ?? null,
        ...(reason === '' ? {} : { reason }),
      })),
    })),
  };
}
