import { readTags, Tag } from './dynamic.ts';
import { elfError } from './errors.ts';
import { isElf, viewOf } from './read-elf.ts';
import { offsetOf, readSegments, type Segment, SegmentType } from './segments.ts';
import { ElfView, invalid } from './view.ts';

/** Which parts of a file are kept while it passes. */
export interface KeptParts {
  /** Bytes at the start: headers, and where linkers put the dynamic strings. */
  readonly head: number;
  /** Bytes at the end: where tools that edit a finished program put new strings. */
  readonly tail: number;
}

const KEPT: KeptParts = { head: 32 * 1024 * 1024, tail: 8 * 1024 * 1024 };
/** Bytes of a dynamic segment; real ones have under 2 KiB. */
const MAX_DYNAMIC = 1024 * 1024;
/** Bytes of a library's name. */
const MAX_NAME = 64 * 1024;

/** A run of bytes of the file that is being gathered. */
class Part {
  readonly start: number;
  readonly #length: number;
  readonly #chunks: Buffer[] = [];
  #joined: Buffer | undefined;

  constructor(start: number, length: number) {
    this.start = start;
    this.#length = length;
  }

  take(chunk: Buffer, at: number): void {
    const from = Math.max(this.start, at);
    const to = Math.min(this.start + this.#length, at + chunk.length);
    if (from < to) this.#chunks.push(Buffer.from(chunk.subarray(from - at, to - at)));
  }

  get bytes(): Buffer {
    this.#joined ??= Buffer.concat(this.#chunks);
    return this.#joined;
  }
}

/**
 * `readNeeded` of a file too large to be kept: it passes once, in chunks, and only its head, its dynamic segment and its
 * tail are kept (40 MiB).
 */
export class NeededStream {
  readonly #head: Part;
  readonly #tail: Part;
  readonly #kept: KeptParts;
  #dynamic: Part | undefined;
  #segments: readonly Segment[] | undefined;
  #at = 0;
  #broken: unknown;

  /** @param size of the whole file */
  constructor(size: number, kept: KeptParts = KEPT) {
    this.#kept = kept;
    this.#head = new Part(0, kept.head);
    this.#tail = new Part(Math.max(0, size - kept.tail), kept.tail);
  }

  write(chunk: Buffer): void {
    // At the boundary of the head, the dynamic segment must be known before the bytes behind it pass.
    const inHead = Math.max(0, Math.min(chunk.length, this.#kept.head - this.#at));
    this.#head.take(chunk, this.#at);
    if (this.#segments === undefined && this.#at + inHead >= this.#kept.head) this.#readHead();
    this.#dynamic?.take(chunk, this.#at);
    this.#tail.take(chunk, this.#at);
    this.#at += chunk.length;
  }

  /**
   * The libraries that the file asks for, none when it is no ELF file; undefined where the names lie in a part that was not kept.
   * @throws ELF_INVALID, ELF_LIMIT
   */
  end(): readonly string[] | undefined {
    if (this.#segments === undefined) this.#readHead();
    try {
      if (this.#broken !== undefined) throw this.#broken;
      return this.#needed();
    } catch (error) {
      // Program headers may stand anywhere: behind the head, nothing is known of them.
      if (error === this.#broken && this.#at > this.#kept.head) return undefined;
      if (error instanceof RangeError) invalid('a table lies outside the file');
      throw error;
    }
  }

  #readHead(): void {
    try {
      if (!isElf(this.#head.bytes)) {
        this.#segments = [];
        return;
      }
      this.#segments = readSegments(viewOf(this.#head.bytes));
      const dynamic = this.#segments.find(({ type }) => type === SegmentType.dynamic);
      if (dynamic === undefined || dynamic.offset + dynamic.size <= this.#kept.head) return;
      if (dynamic.size > MAX_DYNAMIC) {
        throw elfError('ELF_LIMIT', `ELF file: a dynamic segment of ${dynamic.size} bytes, more than ${MAX_DYNAMIC}`);
      }
      this.#dynamic = new Part(dynamic.offset, dynamic.size);
      this.#dynamic.take(this.#head.bytes, 0);
    } catch (error) {
      this.#segments = [];
      this.#broken = error;
    }
  }

  #needed(): readonly string[] | undefined {
    const segments = this.#segments ?? [];
    const segment = segments.find(({ type }) => type === SegmentType.dynamic);
    if (segment === undefined || segment.size === 0) return [];
    const bytes = this.#range(segment.offset, segment.size);
    if (bytes === undefined || bytes.length < segment.size) return invalid('its dynamic segment lies outside the file');
    const { values, needed } = readTags(new ElfView(bytes, new ElfView(this.#head.bytes)), 0, segment.size);
    if (needed.length === 0) return [];
    const address = values.get(Tag.strings);
    if (address === undefined) return invalid('it has no dynamic strings');
    const strings = offsetOf(segments, address);
    const names = needed.map((offset) => this.#text(strings + offset));
    return names.includes(undefined) ? undefined : (names as readonly string[]);
  }

  /** Bytes from an offset, `length` of them or what is kept there; undefined where nothing is. */
  #range(start: number, length: number): Buffer | undefined {
    for (const part of [this.#head, this.#dynamic, this.#tail]) {
      if (part === undefined || start < part.start || start >= part.start + part.bytes.length) continue;
      return part.bytes.subarray(start - part.start, start - part.start + length);
    }
    return undefined;
  }

  #text(at: number): string | undefined {
    if (at >= this.#at) return invalid('a name lies outside the file');
    const bytes = this.#range(at, MAX_NAME);
    const stop = bytes?.indexOf(0) ?? -1;
    return stop < 0 ? undefined : bytes?.toString('utf8', 0, stop);
  }
}
