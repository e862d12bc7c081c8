/** One component of an SBOM, whatever its format calls it. */
export interface SbomComponent {
  readonly name: string;
  readonly version: string;
  /** Package URL as written; undefined where the document names none. */
  readonly purl: string | undefined;
  readonly supplier: string;
  /** What tools note beside a component, by its own name: `heraklit:source`, `syft:location:0:path`. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
  /** Free text on where it comes from (SPDX `sourceInfo`). */
  readonly sourceInfo: string;
  readonly optional: boolean;
}

/** What any of the formats says of an image. */
export interface SbomDocument {
  readonly format: 'CycloneDX' | 'SPDX 2' | 'SPDX 3';
  /** What the document is about; undefined where it does not say. */
  readonly subject: { readonly name: string; readonly version: string } | undefined;
  /** Operating system component (CycloneDX). */
  readonly system: { readonly id: string; readonly version: string; readonly description: string } | undefined;
  /** Without the subject and the operating system. */
  readonly components: readonly SbomComponent[];
}

/** Bytes of a document. Of 700 packages with all their files, SPDX has 60 MB. */
export const MAX_SBOM_BYTES = 256 * 1024 * 1024;
export const MAX_COMPONENTS = 500_000;
/** Components inside components. */
export const MAX_DEPTH = 64;
