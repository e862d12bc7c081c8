import { archiveError } from './errors.ts';
import { asBuffer } from './tar-parser.ts';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

type State = 'magic' | 'length' | 'skippable' | 'descriptor' | 'header' | 'block' | 'data' | 'checksum';

/** Bytes of the frame header after magic and descriptor (RFC 8878, 3.1.1.1). */
function headerBytes(descriptor: number): number {
  const singleSegment = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeFlag = descriptor >> 6;
  const contentSize = sizeFlag === 0 ? singleSegment : 2 ** sizeFlag;
  return (singleSegment === 1 ? 0 : 1) + dictionary + contentSize;
}

/**
 * Finds where zstd frames end (RFC 8878, 3.1), without decompressing.
 * Node's decoder stops after one frame when a write goes past its end, so writes must stop there;
 * zstd:chunked layers have one frame per file.
 */
export class ZstdFrames {
  #state: State = 'magic';
  /** Bytes of the current part still to come. */
  #left = 4;
  /** The current part's bytes as a little-endian number, for parts of up to four bytes. */
  #value = 0;
  #read = 0;
  #checksum = false;
  #last = false;
  frames = 0;

  /** True between two frames: the stream may end here. */
  get complete(): boolean {
    return this.#state === 'magic' && this.#read === 0;
  }

  /** How far from `at` the bytes belong to one frame. @throws ARCHIVE_CORRUPT */
  boundary(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      if (this.#state === 'data' || this.#state === 'skippable') {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
      } else {
        if (this.#read < 4) this.#value += (chunk[at] as number) * 2 ** (8 * this.#read);
        this.#read += 1;
        this.#left -= 1;
        at += 1;
      }
      if (this.#left === 0 && this.#advance()) return at;
    }
    return at;
  }

  #part(state: State, left: number): void {
    this.#state = state;
    this.#left = left;
    this.#value = 0;
    this.#read = 0;
  }

  #frameEnd(): boolean {
    this.frames += 1;
    this.#part('magic', 4);
    return true;
  }

  /** Leaves a finished part. @returns true at the end of a frame */
  #advance(): boolean {
    switch (this.#state) {
      case 'magic':
        return this.#afterMagic();
      case 'length':
        return this.#afterLength();
      case 'descriptor':
        return this.#afterDescriptor();
      case 'header':
        this.#part('block', 3);
        return false;
      case 'block':
        return this.#afterBlock();
      case 'data':
        return this.#afterData();
      default:
        return this.#frameEnd();
    }
  }

  #afterMagic(): boolean {
    if (this.#value === MAGIC) {
      this.#part('descriptor', 1);
      return false;
    }
    if (Math.floor(this.#value / 16) * 16 !== SKIPPABLE) {
      throw archiveError('ARCHIVE_CORRUPT', 'broken zstd data: no frame where one should begin');
    }
    this.#part('length', 4);
    return false;
  }

  #afterLength(): boolean {
    if (this.#value === 0) return this.#frameEnd();
    this.#part('skippable', this.#value);
    return false;
  }

  #afterDescriptor(): boolean {
    this.#checksum = (this.#value & 4) !== 0;
    const rest = headerBytes(this.#value);
    if (rest > 0) this.#part('header', rest);
    else this.#part('block', 3);
    return false;
  }

  #afterBlock(): boolean {
    const type = (this.#value >> 1) & 3;
    if (type === 3) throw archiveError('ARCHIVE_CORRUPT', 'broken zstd data: reserved block type');
    this.#last = (this.#value & 1) === 1;
    const size = type === 1 ? 1 : this.#value >> 3;
    if (size === 0) return this.#afterData();
    this.#part('data', size);
    return false;
  }

  #afterData(): boolean {
    if (!this.#last) {
      this.#part('block', 3);
      return false;
    }
    if (!this.#checksum) return this.#frameEnd();
    this.#part('checksum', 4);
    return false;
  }
}

/** The same bytes in chunks none of which crosses the end of a frame. @throws ARCHIVE_CORRUPT when the last frame is cut */
export async function* frameByFrame(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const frames = new ZstdFrames();
  for await (const bytes of source) {
    const chunk = asBuffer(bytes);
    for (let at = 0; at < chunk.length; ) {
      const end = frames.boundary(chunk, at);
      yield chunk.subarray(at, end);
      at = end;
    }
  }
  if (!frames.complete || frames.frames === 0)
    throw archiveError('ARCHIVE_CORRUPT', 'broken zstd data: it is truncated');
}

/** True where the bytes hold more than one frame (or something after the first). */
export function hasManyFrames(bytes: Buffer): boolean {
  return new ZstdFrames().boundary(bytes, 0) < bytes.length;
}
