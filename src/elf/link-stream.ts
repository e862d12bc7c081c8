import { type LinkFacts, linkFactsOf, MAX_DYNAMIC, readLinkFacts } from './link-facts.ts';
import { isElf, viewOf } from './read-elf.ts';
import { readSegments, type Segment, SegmentFlag, SegmentType } from './segments.ts';
import { invalid, overLimit } from './view.ts';

/** Which parts of a file are kept while it passes. */
export interface KeptParts {
  /** Bytes at the start: headers, and where linkers put the dynamic strings. */
  readonly head: number;
  /** Bytes at the end: where tools that edit a finished program put new strings. */
  readonly tail: number;
  /** Of the head, keep what lies before the code; of the tail, what is loaded last. */
  readonly sparing?: true;
}

/** Bytes that hold the program headers of any file that a linker wrote. */
const PLAN_BYTES = 4096;

/** The first of each kind counts. */
const MAX_APART = 4;
const isApart = ({ type }: Segment): boolean => type === SegmentType.dynamic || type === SegmentType.interpreter;

/** A run of bytes of the file that is being gathered. */
class Part {
  readonly start: number;
  #end: number;
  #chunks: Buffer[] = [];

  constructor(start: number, length: number) {
    this.start = start;
    this.#end = start + length;
  }

  get end(): number {
    return this.#end;
  }

  /** Nothing behind `end` is wanted any more. */
  cut(end: number): void {
    this.#end = Math.min(this.#end, end);
  }

  take(chunk: Buffer, at: number): void {
    const from = Math.max(this.start, at);
    const to = Math.min(this.#end, at + chunk.length);
    if (from < to) this.#chunks.push(Buffer.from(chunk.subarray(from - at, to - at)));
  }

  get bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }
}

/**
 * `LinkFacts` of a file that passes once, in chunks: only its head, its dynamic segment and its tail are kept, and
 * nothing at all of a file that comes in one piece, where `sparing`.
 */
export class LinkStream {
  readonly #size: number;
  readonly #kept: KeptParts;
  readonly #head: Part;
  #tail: Part;
  /** The dynamic segment and the interpreter's name, where they lie behind the head. */
  #apart: readonly Part[] = [];
  #segments: readonly Segment[] | undefined;
  #isPlanned: boolean;
  #at = 0;
  #broken: unknown;
  #whole: LinkFacts | undefined;

  /** @param size of the whole file */
  constructor(size: number, kept: KeptParts) {
    this.#size = size;
    this.#kept = kept;
    this.#head = new Part(0, kept.head);
    this.#tail = new Part(Math.max(0, size - kept.tail), kept.tail);
    this.#isPlanned = kept.sparing !== true;
  }

  write(chunk: Buffer): void {
    if (this.#kept.sparing === true && this.#at === 0 && chunk.length === this.#size) this.#readWhole(chunk);
    else this.#keep(chunk);
    this.#at += chunk.length;
  }

  /**
   * `none` when it is no ELF file, `unknown` where its names lie in a part that was not kept.
   * @throws ELF_INVALID, ELF_LIMIT
   */
  end(): LinkFacts | 'none' | 'unknown' {
    if (this.#segments === undefined) this.#readHead();
    try {
      if (this.#broken !== undefined) throw this.#broken;
      if (this.#whole !== undefined) return this.#whole;
      const head = this.#head.bytes;
      if (!isElf(head)) return 'none';
      const range = (start: number, length: number): Buffer | undefined => this.#range(start, length);
      return linkFactsOf(head, this.#segments ?? [], { range, size: this.#at }) ?? 'unknown';
    } catch (error) {
      // Program headers may stand anywhere: behind the head, nothing is known of them.
      if (error === this.#broken && this.#at > this.#head.end && this.#whole === undefined) return 'unknown';
      if (error instanceof RangeError) invalid('a table lies outside the file');
      throw error;
    }
  }

  #readWhole(bytes: Buffer): void {
    this.#segments = [];
    if (!isElf(bytes)) return;
    try {
      this.#whole = readLinkFacts(bytes);
    } catch (error) {
      this.#broken = error;
    }
  }

  #keep(chunk: Buffer): void {
    // At the boundary of the head, the dynamic segment must be known before the bytes behind it pass.
    this.#head.take(chunk, this.#at);
    const passed = this.#at + chunk.length;
    if (!this.#isPlanned && passed >= PLAN_BYTES) this.#plan();
    if (this.#segments === undefined && passed >= this.#head.end) this.#readHead();
    for (const part of this.#apart) part.take(chunk, this.#at);
    this.#tail.take(chunk, this.#at);
  }

  /** What a linker wrote has its dynamic strings before the code; what was edited since, in what is loaded last. */
  #plan(): void {
    this.#isPlanned = true;
    const head = this.#head.bytes;
    if (!isElf(head)) {
      this.#head.cut(PLAN_BYTES);
      return;
    }
    try {
      const loaded = readSegments(viewOf(head)).filter(({ type }) => type === SegmentType.load);
      const code = loaded.find(({ flags }) => (flags & SegmentFlag.execute) !== 0);
      if (code !== undefined && code.offset > 0) this.#head.cut(Math.max(PLAN_BYTES, code.offset));
      const last = loaded.reduce((most, { offset }) => Math.max(most, offset), 0);
      if (last > this.#tail.start) this.#tail = new Part(last, this.#kept.tail);
    } catch {
      // What is wrong with it is told when its head is read.
    }
  }

  #readHead(): void {
    try {
      const head = this.#head.bytes;
      this.#segments = isElf(head) ? readSegments(viewOf(head)) : [];
      const kept = head.subarray(0, Math.min(head.length, this.#head.end));
      this.#apart = this.#segments
        .filter(isApart)
        .slice(0, MAX_APART)
        .flatMap(({ type, offset, size }) => {
          if (offset + size <= this.#head.end) return [];
          if (type === SegmentType.dynamic && size > MAX_DYNAMIC) {
            overLimit(`a dynamic segment of ${size} bytes`, MAX_DYNAMIC);
          }
          const part = new Part(offset, Math.min(size, MAX_DYNAMIC));
          part.take(kept, 0);
          return [part];
        });
    } catch (error) {
      this.#segments = [];
      this.#broken = error;
    }
  }

  #range(start: number, length: number): Buffer | undefined {
    for (const part of [...this.#apart, this.#head, this.#tail]) {
      if (start < part.start || start >= part.start + part.bytes.length) continue;
      return part.bytes.subarray(start - part.start, start - part.start + length);
    }
    return undefined;
  }
}
