/** `GET /api/v1/base` */
export interface ImageBase {
  readonly image: string;
  /** Null where nothing is known of it. */
  readonly base: {
    readonly digest: string;
    readonly reference: string | null;
    /** `packages`: it only looks like it. */
    readonly evidence: 'recipe' | 'annotation' | 'layers' | 'packages';
    /** Where the evidence is `packages`: 0…1, and how many of its packages are there, in the same version or any. */
    readonly score: number | null;
    readonly same: number | null;
    readonly named: number | null;
    readonly packages: number | null;
  } | null;
}
