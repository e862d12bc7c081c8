/** Formats that are read; the names are those of `heraklit feed import --type`. */
export const ADVISORY_TYPES = ['debian-tracker', 'secdb', 'osv', 'csaf', 'openvex', 'oval', 'updateinfo'] as const;

export type AdvisoryType = (typeof ADVISORY_TYPES)[number];

/** CVSS 3.1's words (section 5); distributions' own words are brought to these. */
export type AdvisorySeverity = 'critical' | 'high' | 'medium' | 'low' | 'none';

/** OpenVEX's and CSAF's states of a product; `fixed` also where a distribution names the version that has the fix. */
export type AdvisoryStatus = 'affected' | 'fixed' | 'not_affected' | 'under_investigation';

/** What an advisory says of one package of one distribution or language ecosystem. */
export interface AffectedPackage {
  /** `debian/bookworm`, `alpine/3.20`, `rhel/9`; `npm`, `pypi`, `golang` (package URL types); '' for any. */
  readonly ecosystem: string;
  /** Whether `name` is a source package, a binary one, or the document does not tell. */
  readonly kind: 'source' | 'binary' | 'any';
  readonly name: string;
  readonly status: AdvisoryStatus;
  /** First affected version (inclusive); undefined: from the beginning. */
  readonly introduced?: string;
  /** First version with the fix (exclusive end of the range). */
  readonly fixed?: string;
  /** Last affected version (inclusive end), where no fixed one is known. */
  readonly lastAffected?: string;
  /** Exactly these versions, in addition to the range. */
  readonly versions?: readonly string[];
  /** Why it is not affected: a label of OpenVEX, CSAF or the distribution. */
  readonly justification?: string;
  /** What the author adds to it, for people. */
  readonly statement?: string;
  /** The image the statement is about, as a package URL or digest; undefined: the package wherever it is. */
  readonly product?: string;
  /** Where it differs from the advisory's own. */
  readonly severity?: AdvisorySeverity;
}

/** One advisory, whatever format it came in. */
export interface Advisory {
  /** `CVE-2024-0001`, `DSA-5000-1`, `RHSA-2024:0310`, `GHSA-…` */
  readonly id: string;
  /** Other names of the same thing: the CVE ids it fixes among them. Sorted, without `id`. */
  readonly aliases: readonly string[];
  readonly severity: AdvisorySeverity | undefined;
  /** CVSS base score, 0–10. */
  readonly score: number | undefined;
  readonly summary: string;
  /** ISO 8601. */
  readonly published: string | undefined;
  readonly modified: string | undefined;
  /** Set: the author took it back. */
  readonly withdrawn: string | undefined;
  readonly urls: readonly string[];
  readonly affected: readonly AffectedPackage[];
}

export interface ReadOptions {
  /** Distribution of documents that do not name theirs (updateinfo): `rocky/9`. */
  readonly distribution?: string;
  /** For messages: file or URL. */
  readonly what: string;
  /** Called for each part that was passed over, and why; the rest is read on. */
  readonly onProblem?: (problem: string) => void;
}

/** Chunks of a document, decompressed. */
export type Bytes = AsyncIterable<Uint8Array>;
