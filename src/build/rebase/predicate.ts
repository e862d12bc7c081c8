import { digestSet, PREDICATES } from '../../attestation/index.ts';
import { digestOf, serialize } from '../../oci/index.ts';
import type { RebaseReport } from './report.ts';
import type { RebaseRequest } from './request.ts';

/** On the rebased image: the report's digest, and what it says in short. */
export const REBASE_ANNOTATION = {
  report: 'io.heraklit.rebase.report.digest',
  summary: 'io.heraklit.rebase.summary',
} as const;

/** schemas/rebase-report.schema.json, `$defs/predicate`: what is signed of a rebase. */
export interface RebasePredicate {
  readonly child: Resource;
  readonly oldBase: Resource;
  readonly newBase: Resource;
  readonly report: RebaseReport;
}

interface Resource {
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** A statement's type and content: which image was moved from which base to which, and what was looked at. */
export function rebasePredicate(
  { child, oldBase, newBase, baseName }: RebaseRequest,
  report: RebaseReport,
): { readonly type: string; readonly predicate: RebasePredicate } {
  const predicate = {
    child: { digest: digestSet(child.digest) },
    oldBase: { digest: digestSet(oldBase.image.digest) },
    newBase: { ...(baseName === undefined ? {} : { name: baseName }), digest: digestSet(newBase.image.digest) },
    report,
  };
  return { type: PREDICATES['rebase-report'], predicate };
}

/** The digest is that of the report as canonical JSON, as it stands in the statement. */
export function rebaseAnnotations(report: RebaseReport): Readonly<Record<string, string>> {
  const { packages, merged, restored, librariesChecked } = report;
  const parts = [
    `packages of the base changed: ${packages.length}`,
    `files merged: ${merged.length}`,
    `paths given back to the base: ${restored.length}`,
    `libraries checked: ${librariesChecked.length}`,
  ];
  return {
    [REBASE_ANNOTATION.report]: digestOf(serialize(report)),
    [REBASE_ANNOTATION.summary]: parts.join('; '),
  };
}
