import type { Generated } from 'kysely';

/** One imported file or URL. */
export interface AdvisoryFeedTable {
  readonly id: Generated<number>;
  /** Absolute path or URL. */
  readonly location: string;
  /** '' unless the import named one. */
  readonly distribution: string;
  /** '' unless the import named one. */
  readonly asked_type: string;
  /** Formats that were found in it. */
  readonly types: string[];
  /** sha256 of the bytes that were read. */
  readonly digest: string;
  readonly bytes: number;
  readonly imported: Date;
  readonly advisories: number;
  readonly packages: number;
  /** Parts that were passed over. */
  readonly problems: number;
  /** False while it is being written. */
  readonly ready: boolean;
}

export interface AdvisoryTable {
  readonly id: Generated<number>;
  readonly feed: number;
  readonly name: string;
  readonly aliases: string[];
  readonly severity: string | null;
  readonly score: number | null;
  readonly summary: string;
  readonly published: Date | null;
  readonly modified: Date | null;
  readonly withdrawn: Date | null;
  readonly urls: string[];
}

export interface AdvisoryPackageTable {
  readonly advisory: number;
  /** '' : any. */
  readonly ecosystem: string;
  /** '' : the product as a whole. */
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly introduced: string | null;
  readonly fixed: string | null;
  readonly last_affected: string | null;
  readonly versions: string[] | null;
  readonly justification: string | null;
  readonly statement: string | null;
  readonly product: string | null;
  readonly severity: string | null;
}

export interface AdvisoriesSchema {
  readonly advisory_feed: AdvisoryFeedTable;
  readonly advisory: AdvisoryTable;
  readonly advisory_package: AdvisoryPackageTable;
}
