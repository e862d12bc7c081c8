/** A value that RUN instructions may mount. */
export interface BuildSecret {
  readonly id: string;
  /** File with its value. */
  readonly source: string;
}
