import { createHash, type Hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { createTarWriter, encodePath, type TarHeader, type TarWriter } from '../../archive/index.ts';
import { asCodedError } from '../../base/index.ts';
import type { Digest } from '../digest.ts';
import type { LayerCompression } from '../media-types.ts';
import { Blocks } from './blocks.ts';
import { type CollectOptions, type IndexedLayer, LayerCollector } from './collector.ts';
import { Compressor } from './compressor.ts';

export interface LayerItem {
  readonly header: TarHeader;
  /** As long as `header.size` says. */
  readonly content?: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface WriteLayerOptions {
  readonly compression: LayerCompression;
  /** Path of a scratch file; created, and removed again when writing fails. */
  readonly sink: string;
  /** Sort by path (folders before their content, hardlinks last); else the caller's order is kept. */
  readonly sort?: boolean;
  /** Times later than this (seconds) are set to it: SOURCE_DATE_EPOCH. */
  readonly clampMtime?: number;
  /** Also gather what `indexLayer` would find in the written layer, so that nobody has to read it back. */
  readonly collect?: CollectOptions;
}

export interface WrittenLayer {
  readonly digest: Digest;
  /** Bytes of the file. */
  readonly size: number;
  readonly diffId: Digest;
  readonly uncompressedSize: number;
  /** Where `collect` was asked for. */
  readonly indexed?: IndexedLayer;
}

/** Bytes on their way through hashing and compression into the file. */
class LayerSink {
  readonly #plain = createHash('sha256');
  /** Uncompressed, both sides are the same bytes: hashed once. */
  readonly #packed: Hash | undefined;
  readonly #compressor: Compressor;
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #blocks = new Blocks();
  uncompressedSize = 0;
  size = 0;

  constructor(compression: LayerCompression, write: (bytes: Buffer) => Promise<void>) {
    this.#compressor = new Compressor(compression);
    this.#packed = compression === 'none' ? undefined : createHash('sha256');
    this.#write = write;
  }

  /** Called by the tar writer, synchronously. */
  readonly push = (chunk: Uint8Array): void => this.#blocks.push(chunk);

  /** Hands on the whole blocks there are; with `all`, the rest too. */
  async drain(all: boolean): Promise<void> {
    for (let block = this.#blocks.take(all); block !== undefined; block = this.#blocks.take(all)) {
      const written = this.#compressor.write(block);
      this.#plain.update(block);
      this.uncompressedSize += block.length;
      await this.#store(await written);
      this.#blocks.release(block);
    }
  }

  async finish(): Promise<WrittenLayer> {
    await this.drain(true);
    await this.#store(await this.#compressor.finish());
    const diffId: Digest = `sha256:${this.#plain.digest('hex')}`;
    return {
      digest: this.#packed === undefined ? diffId : `sha256:${this.#packed.digest('hex')}`,
      size: this.size,
      diffId,
      uncompressedSize: this.uncompressedSize,
    };
  }

  close(): void {
    this.#compressor.close();
  }

  async #store(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      this.#packed?.update(chunk);
      this.size += chunk.length;
      await this.#write(chunk);
    }
  }
}

/** Byte order of paths puts a folder before its content; hardlinks come last, after the files they name. */
async function inOrder(items: AsyncIterable<LayerItem> | Iterable<LayerItem>): Promise<readonly LayerItem[]> {
  const keyed: { readonly item: LayerItem; readonly key: Buffer; readonly late: number }[] = [];
  for await (const item of items) {
    keyed.push({ item, key: encodePath(item.header.path), late: item.header.type === 'hardlink' ? 1 : 0 });
  }
  return keyed.sort((a, b) => a.late - b.late || Buffer.compare(a.key, b.key)).map(({ item }) => item);
}

async function addItem(
  writer: TarWriter,
  sink: LayerSink,
  header: TarHeader,
  { content }: LayerItem,
  collector: LayerCollector | undefined,
): Promise<void> {
  const seen = collector?.entry(header);
  const pass = seen === undefined || seen === 'skip' ? undefined : seen;
  if (content === undefined || content instanceof Uint8Array) {
    writer.add(header, content);
    if (content !== undefined) pass?.write(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  } else {
    writer.begin(header);
    for await (const chunk of content) {
      writer.write(chunk);
      pass?.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      await sink.drain(false);
    }
    writer.end();
  }
  pass?.end();
}

/**
 * Writes a layer file: deterministic tar, compressed, both sides hashed while they pass. The same items give the
 * same bytes with the same Node.js; with gzip only on the same CPU architecture (see README.md), so prefer zstd.
 * @throws ARCHIVE_SIZE_MISMATCH, ARCHIVE_UNSUPPORTED, DISK_FULL
 */
export async function writeLayer(
  items: AsyncIterable<LayerItem> | Iterable<LayerItem>,
  options: WriteLayerOptions,
): Promise<WrittenLayer> {
  const clamp = options.clampMtime ?? Number.MAX_SAFE_INTEGER;
  const file = await open(options.sink, 'w').catch((error) => {
    throw asCodedError(error);
  });
  const sink = new LayerSink(options.compression, async (bytes) => void (await file.writev([bytes])));
  const writer = createTarWriter(sink.push);
  const collector = options.collect === undefined ? undefined : new LayerCollector(options.collect);
  try {
    for await (const item of options.sort === true ? await inOrder(items) : items) {
      const { header } = item;
      await addItem(writer, sink, header.mtime > clamp ? { ...header, mtime: clamp } : header, item, collector);
      await sink.drain(false);
    }
    writer.finish();
    const written = await sink.finish();
    await file.close();
    if (collector === undefined) return written;
    return { ...written, indexed: collector.result(written.diffId, written.uncompressedSize) };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(options.sink, { force: true });
    throw asCodedError(error);
  } finally {
    sink.close();
  }
}
