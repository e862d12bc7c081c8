/** A file's content on three sides; empty where a side has no such file. */
export interface ThreeSides {
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  readonly own: Uint8Array;
}

export type FileMerge =
  | {
      readonly kind: 'merged';
      readonly content: string | Uint8Array;
      /** Links that follow from it: path → target. */
      readonly links?: ReadonlyMap<string, string>;
    }
  /** `key`: the entry that both sides changed, or what is not known of it. */
  | { readonly kind: 'conflict'; readonly key: string };
