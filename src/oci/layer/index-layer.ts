import { createHash, type Hash } from 'node:crypto';
import {
  type ArchiveLimits,
  DEFAULT_CAPTURE_LIMIT,
  decompress,
  scanTar,
  type TarContentSink,
  type TarHandler,
  type TarHeader,
} from '../../archive/index.ts';
import type { Digest } from '../digest.ts';
import { ociError } from '../errors.ts';
import { layerCompression } from '../media-types.ts';
import { asLayerError } from './layer-error.ts';
import { sniffCompression } from './sniff.ts';
import type { LayerEntry, LayerIndex } from './types.ts';
import { parseWhiteout } from './whiteout.ts';

export interface IndexLayerOptions {
  /** Which layer this is (its digest), for messages. */
  readonly name?: string;
  /** Files to keep in memory; asked once per regular file. */
  readonly capture?: (header: TarHeader) => boolean;
  /** Bytes one captured file may have. */
  readonly captureLimit?: number;
  /** Fill `sha256` of every file. */
  readonly hashFiles?: boolean;
  readonly limits?: Partial<ArchiveLimits>;
}

export interface IndexedLayer {
  /** Digest of the uncompressed archive. */
  readonly diffId: Digest;
  readonly index: LayerIndex;
  /** path → content of what `capture` asked for; of a path that stands twice, the later one. */
  readonly captured: ReadonlyMap<string, Uint8Array>;
}

/** Media types of layers that a registry may not hold, kept by images of old Windows and vendor bases. */
const FOREIGN =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.v1|docker\.image\.rootfs\.foreign\.diff)\.tar/;

function entryOf(header: TarHeader): { -readonly [Key in keyof LayerEntry]: LayerEntry[Key] } {
  const { path, type, mode, uid, gid, size, mtime, linkName, deviceMajor, deviceMinor, xattrs } = header;
  const entry: { -readonly [Key in keyof LayerEntry]: LayerEntry[Key] } = { path, type, mode, uid, gid, size, mtime };
  if (linkName !== undefined) entry.linkName = linkName;
  if (deviceMajor !== undefined) entry.device = `${deviceMajor}:${deviceMinor ?? 0}`;
  if (xattrs !== undefined) {
    const named = [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
    entry.xattrs = Object.fromEntries(named.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  }
  return entry;
}

/** Gathers what a layer holds while its bytes pass. */
class Collector implements TarHandler {
  readonly entries: LayerEntry[] = [];
  readonly whiteouts: string[] = [];
  readonly opaques: string[] = [];
  readonly contents = new Map<string, Uint8Array>();
  readonly #options: IndexLayerOptions;

  constructor(options: IndexLayerOptions) {
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
    const wanted = this.#options.capture?.(header) === true;
    const hashed = this.#options.hashFiles === true;
    return wanted || hashed ? this.#content(header, entry, wanted, hashed) : 'skip';
  }

  #content(header: TarHeader, entry: { sha256?: string }, wanted: boolean, hashed: boolean): TarContentSink {
    const limit = this.#options.captureLimit ?? DEFAULT_CAPTURE_LIMIT;
    if (wanted && header.size > limit) {
      const layer = this.#options.name === undefined ? 'layer' : `layer ${this.#options.name}`;
      throw ociError(
        'OCI_LAYER_LIMIT',
        `${layer}: ${header.path} has ${header.size} bytes, more than ${limit} to keep`,
        {
          hint: 'The file has to be read into memory here, and no honest one is that large.',
        },
      );
    }
    const hash = hashed ? createHash('sha256') : undefined;
    const kept: Buffer[] = [];
    return {
      write: (chunk) => {
        hash?.update(chunk);
        if (wanted) kept.push(Buffer.from(chunk));
      },
      end: () => {
        if (hash !== undefined) entry.sha256 = hash.digest('hex');
        if (wanted) this.contents.set(header.path, Buffer.concat(kept));
      },
    };
  }
}

/**
 * Reads a layer once: its digest uncompressed, every path it adds, what it hides, and chosen files' content.
 * The compression is told by the bytes, as every engine does; the media type must be one of a layer.
 *
 * @param source the blob as it is stored
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT; errors of `source` pass unchanged
 */
export async function indexLayer(
  source: AsyncIterable<Uint8Array>,
  mediaType: string,
  options: IndexLayerOptions = {},
): Promise<IndexedLayer> {
  if (layerCompression(mediaType) === undefined && !FOREIGN.test(mediaType)) {
    throw ociError('OCI_LAYER_INVALID', `${JSON.stringify(mediaType.slice(0, 200))} is not the media type of a layer`, {
      hint: 'Artifacts (charts, signatures, attestations) and encrypted layers have no files to look at.',
    });
  }
  const collector = new Collector(options);
  const hash = createHash('sha256');
  try {
    const { compression, all } = await sniffCompression(source);
    const limits = options.limits ?? {};
    const plain = decompress(all, compression, limits.bytes === undefined ? {} : { maxBytes: limits.bytes });
    const { bytes } = await scanTar(hashing(plain, hash), collector, limits, { allowMissingEnd: true });
    const diffId: Digest = `sha256:${hash.digest('hex')}`;
    const { entries, whiteouts, opaques, contents } = collector;
    return { diffId, index: { diffId, entries, whiteouts, opaques, bytes }, captured: contents };
  } catch (error) {
    throw asLayerError(error, options.name);
  }
}

async function* hashing(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
