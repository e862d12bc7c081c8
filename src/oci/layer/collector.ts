import { createHash } from 'node:crypto';
import { DEFAULT_CAPTURE_LIMIT, type TarContentSink, type TarHandler, type TarHeader } from '../../archive/index.ts';
import type { Digest } from '../digest.ts';
import { ociError } from '../errors.ts';
import type { LayerEntry, LayerIndex } from './types.ts';
import { parseWhiteout } from './whiteout.ts';

/** What to gather of a layer besides its paths. */
export interface CollectOptions {
  /** Which layer this is (its digest), for messages. */
  readonly name?: string;
  /** Files to keep in memory; asked once per regular file. */
  readonly capture?: (header: TarHeader) => boolean;
  /** Asked once per regular file; what it returns is called with the whole content, valid only during the call. */
  readonly visit?: (header: TarHeader) => ((content: Buffer) => void) | undefined;
  /** Asked once per regular file; what it returns is given the content as it comes: for files too large to be kept. */
  readonly stream?: (header: TarHeader) => TarContentSink | undefined;
  /** Bytes one captured or visited file may have. */
  readonly captureLimit?: number;
  /** Fill `sha256` of every file. */
  readonly hashFiles?: boolean;
}

export interface IndexedLayer {
  /** Digest of the uncompressed archive. */
  readonly diffId: Digest;
  readonly index: LayerIndex;
  /** path → content of what `capture` asked for; of a path that stands twice, the later one. */
  readonly captured: ReadonlyMap<string, Uint8Array>;
}

function entryOf(header: TarHeader): { -readonly [Key in keyof LayerEntry]: LayerEntry[Key] } {
  const { path, type, mode, uid, gid, size, mtime, linkName, deviceMajor, deviceMinor, xattrs } = header;
  const entry: { -readonly [Key in keyof LayerEntry]: LayerEntry[Key] } = {
    path,
    type,
    mode: mode & 0o7777,
    uid,
    gid,
    size: type === 'file' ? size : 0,
    mtime,
  };
  if (linkName !== undefined) entry.linkName = linkName;
  if (deviceMajor !== undefined) entry.device = `${deviceMajor}:${deviceMinor ?? 0}`;
  if (xattrs !== undefined && xattrs.size > 0) {
    const named = [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
    entry.xattrs = Object.fromEntries(named.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  }
  return entry;
}

/** Gathers what a layer holds while its bytes pass, read or written. */
export class LayerCollector implements TarHandler {
  readonly entries: LayerEntry[] = [];
  readonly whiteouts: string[] = [];
  readonly opaques: string[] = [];
  readonly contents = new Map<string, Uint8Array>();
  readonly #options: CollectOptions;

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  entry(header: TarHeader): 'skip' | TarContentSink {
    const whiteout = header.path.includes('.wh.') ? parseWhiteout(header.path) : undefined;
    if (whiteout !== undefined) {
      if (whiteout.kind === 'hides') this.whiteouts.push(whiteout.path);
      else if (whiteout.kind === 'opaque') this.opaques.push(whiteout.path);
      return 'skip';
    }
    const entry = entryOf(header);
    this.entries.push(entry);
    this.contents.delete(header.path);
    if (header.type !== 'file') return 'skip';
    const keep = this.#options.capture?.(header) === true;
    const visit = this.#options.visit?.(header);
    const hash = this.#options.hashFiles === true ? createHash('sha256') : undefined;
    const stream = this.#options.stream?.(header);
    if (!keep && visit === undefined && hash === undefined && stream === undefined) return 'skip';
    this.#refuseLarge(header, keep || visit !== undefined);
    const whole = keep || visit !== undefined ? this.#whole(header, keep, visit) : undefined;
    return {
      write: (chunk) => {
        hash?.update(chunk);
        whole?.write(chunk);
        stream?.write(chunk);
      },
      end: () => {
        if (hash !== undefined) entry.sha256 = hash.digest('hex');
        whole?.end();
        stream?.end();
      },
    };
  }

  #refuseLarge(header: TarHeader, inMemory: boolean): void {
    const limit = this.#options.captureLimit ?? DEFAULT_CAPTURE_LIMIT;
    if (!inMemory || header.size <= limit) return;
    const layer = this.#options.name === undefined ? 'layer' : `layer ${this.#options.name}`;
    throw ociError('OCI_LAYER_LIMIT', `${layer}: ${header.path} has ${header.size} bytes, more than ${limit} to keep`, {
      hint: 'The file has to be read into memory here, which this limit bounds.',
    });
  }

  #whole(header: TarHeader, keep: boolean, visit: ((content: Buffer) => void) | undefined): TarContentSink {
    const parts: Buffer[] = [];
    let visited = false;
    return {
      write: (chunk) => {
        if (!keep && chunk.length === header.size) {
          // It came in one piece, and nobody wants it afterwards: no copy.
          visit?.(chunk);
          visited = true;
        } else parts.push(Buffer.from(chunk));
      },
      end: () => {
        if (visited) return;
        const content = Buffer.concat(parts);
        visit?.(content);
        if (keep) this.contents.set(header.path, content);
      },
    };
  }

  /** What was gathered of a layer that unpacks to `diffId`. @param bytes of the archive, uncompressed */
  result(diffId: Digest, bytes: number): IndexedLayer {
    const { entries, whiteouts, opaques, contents } = this;
    return { diffId, index: { diffId, entries, whiteouts, opaques, bytes }, captured: contents };
  }
}
