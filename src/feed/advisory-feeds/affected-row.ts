import type { AdvisorySeverity, AffectedPackage } from '../../advisory/index.ts';

/** A row of advisory_package. */
export interface AdvisoryPackageRow {
  readonly advisory: number;
  readonly ecosystem: string;
  readonly name: string;
  readonly kind: AffectedPackage['kind'];
  readonly status: AffectedPackage['status'];
  readonly introduced: string | null;
  readonly fixed: string | null;
  readonly last_affected: string | null;
  readonly versions: string[] | null;
  readonly justification: string | null;
  readonly statement: string | null;
  readonly product: string | null;
  readonly severity: AdvisorySeverity | null;
}

export function toAffected(row: AdvisoryPackageRow): AffectedPackage {
  const { ecosystem, kind, name, status, introduced, fixed, versions, justification, statement, product, severity } =
    row;
  const known = {
    introduced,
    fixed,
    lastAffected: row.last_affected,
    versions,
    justification,
    statement,
    product,
    severity,
  };
  const present = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null));
  return { ecosystem, kind, name, status, ...present };
}
