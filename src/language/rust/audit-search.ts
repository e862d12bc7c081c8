import { constants, inflateSync } from 'node:zlib';
import { KeptBytes } from '../binary/passing.ts';
import { endOf } from '../binary/program-map.ts';
import type { ProgramMap } from '../binary/types.ts';
import { type AuditCrate, parseAudit } from './audit.ts';
import { mayBePackedJson, ZLIB } from './zlib-start.ts';

/** Bytes that are unpacked to see what a place is. */
const PROBE_BYTES = 512;
/** How the text begins, whatever wrote it. */
const BEGINS = /^\s*\{\s*"packages"/;
/** Places that begin like compressed text. */
const MAX_PROBES = 1000;
/** Compressed bytes of one list; 400 crates take 8 KB. */
const MAX_PACKED = 4 * 1024 * 1024;

/**
 * Finds the crates of a Rust program (`.dep-v0`) in a file that passes once. The section is not loaded, so it lies behind
 * all that is; which section is where stands behind them all, so places are told by their content instead.
 */
export class AuditSearch {
  readonly #from: number;
  /** Last bytes of the chunk before, not yet looked at because too few follow them. */
  #tail: Buffer = Buffer.alloc(0);
  #kept: KeptBytes | undefined;
  #probes = 0;
  #end = 0;

  constructor(map: ProgramMap) {
    this.#from = endOf(map.parts);
  }

  write(chunk: Buffer, at: number): void {
    if (at + chunk.length <= this.#from) return;
    if (this.#kept !== undefined) {
      this.#kept.take(chunk, at);
      return;
    }
    const skipped = Math.max(0, this.#from - at);
    const fresh = chunk.subarray(skipped);
    const bytes = this.#tail.length === 0 ? fresh : Buffer.concat([this.#tail, fresh]);
    const start = at + skipped - this.#tail.length;
    this.#look(bytes, start, Math.max(0, bytes.length - PROBE_BYTES));
    const rest = bytes.subarray(Math.max(0, bytes.length - PROBE_BYTES));
    this.#tail = this.#kept === undefined ? Buffer.from(rest) : Buffer.alloc(0);
    this.#end = start + bytes.length;
  }

  /** The crates; undefined for a program that does not tell them. */
  end(): readonly AuditCrate[] | 'damaged' | undefined {
    if (this.#kept === undefined) this.#look(this.#tail, this.#end - this.#tail.length, this.#tail.length);
    return this.#kept === undefined ? undefined : (parseAudit(this.#kept.bytes) ?? 'damaged');
  }

  #look(bytes: Buffer, start: number, until: number): void {
    // Byte by byte: as fast for a file that is full of them as for any other.
    for (let at = 0; at < until && this.#probes < MAX_PROBES; at += 1) {
      if (bytes[at] !== ZLIB || !mayBePackedJson(bytes, at)) continue;
      this.#probes += 1;
      if (!begins(bytes.subarray(at, at + PROBE_BYTES))) continue;
      this.#kept = new KeptBytes(start + at, MAX_PACKED);
      this.#kept.take(bytes, start);
      return;
    }
  }
}

function begins(bytes: Buffer): boolean {
  try {
    const text = inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1024 * 1024 });
    return BEGINS.test(text.toString('latin1', 0, 64));
  } catch {
    return false;
  }
}
