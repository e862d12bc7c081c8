import { NeedleSearch } from './passing.ts';
import type { VersionRule } from './rules.ts';

/** Bytes around an anchor that a pattern sees. */
const BEFORE = 128;
const AFTER = 384;
/** Anchors that are looked at; the first that matches ends the search. */
const MAX_ANCHORS = 10_000;

/** Finds the version of a program in a file that passes once. */
export class VersionSearch {
  readonly #pattern: RegExp;
  readonly #anchors: NeedleSearch;
  /** Anchors whose surroundings have not passed yet. */
  #pending: number[] = [];
  #tail: Buffer = Buffer.alloc(0);
  #looked = 0;
  #version: string | undefined;

  constructor(rule: VersionRule) {
    this.#pattern = rule.pattern;
    this.#anchors = new NeedleSearch(Buffer.from(rule.anchor, 'latin1'), (offset) => {
      if (this.#looked < MAX_ANCHORS) this.#pending.push(offset);
      this.#looked += 1;
    });
  }

  write(chunk: Buffer, at: number): void {
    if (this.#version !== undefined) return;
    this.#anchors.write(chunk, at);
    const end = at + chunk.length;
    if (this.#pending.length > 0) this.#match(chunk, at, (anchor) => anchor + AFTER <= end);
    const keep = BEFORE + AFTER;
    this.#tail =
      chunk.length >= keep
        ? Buffer.from(chunk.subarray(chunk.length - keep))
        : Buffer.from(Buffer.concat([this.#tail, chunk]).subarray(-keep));
  }

  /** @param size bytes that passed */
  end(size: number): string | undefined {
    if (this.#version === undefined) this.#match(Buffer.alloc(0), size, () => true);
    return this.#version;
  }

  /** Looks at anchors all of whose surroundings are here; others wait for the next chunk. */
  #match(chunk: Buffer, at: number, isComplete: (anchor: number) => boolean): void {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const start = at - this.#tail.length;
    const waiting: number[] = [];
    for (const anchor of this.#pending) {
      if (!isComplete(anchor)) {
        waiting.push(anchor);
        continue;
      }
      const from = Math.max(0, anchor - BEFORE - start);
      const text = bytes.toString('latin1', from, Math.max(from, anchor + AFTER - start));
      this.#version ??= this.#pattern.exec(text)?.[1];
    }
    this.#pending = waiting;
  }
}
