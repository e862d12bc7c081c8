/** Something that is wrong, or that lies around. */
export type Finding =
  /** The bytes do not hash to the name. */
  | { readonly kind: 'corrupt'; readonly digest: string; readonly message: string; readonly aside?: string }
  /** Something names it and the store does not have it. */
  | { readonly kind: 'missing'; readonly digest: string; readonly message: string }
  /** It is not as long as what names it says. */
  | { readonly kind: 'size'; readonly digest: string; readonly message: string }
  /** A manifest's blob that its repository does not serve: pulls fail. */
  | { readonly kind: 'unlinked'; readonly digest: string; readonly message: string }
  /** A manifest that is none. */
  | { readonly kind: 'manifest'; readonly digest: string; readonly message: string }
  /** A file that has no business in the store. */
  | { readonly kind: 'stray'; readonly path: string; readonly message: string }
  /** oci-layout or index.json. */
  | { readonly kind: 'layout'; readonly message: string };

export type FindingKind = Finding['kind'];

/** Findings kept one by one; more are only counted. */
const KEPT = 10_000;

/** Gathers findings, each once. */
export class Findings {
  readonly #seen = new Set<string>();
  readonly list: Finding[] = [];
  count = 0;

  add(finding: Finding): void {
    const key = JSON.stringify(finding);
    if (this.#seen.has(key)) return;
    this.count += 1;
    if (this.list.length >= KEPT) return;
    this.#seen.add(key);
    this.list.push(finding);
  }
}
