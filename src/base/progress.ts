/** What a long step tells whoever watches: a terminal, the event stream, or nobody. */
export interface Progress {
  /** `done` and `total` in the step's own unit (bytes, packages, images); `total` 0 when unknown. */
  update(step: string, done: number, total: number, note?: string): void;
}

export const silentProgress: Progress = { update() {} };
