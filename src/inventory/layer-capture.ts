import type { TarContentSink, TarHeader } from '../archive/index.ts';
import { ALL_READERS, LayerReading } from '../language/index.ts';
import type { CollectOptions, Digest, IndexedLayer } from '../oci/index.ts';
import { CAPTURE_FILE_LIMIT, CAPTURE_FILES_LIMIT, CAPTURE_LAYER_LIMIT, isCaptured } from './captured-paths.ts';
import type { LayerRecord } from './layer-record.ts';
import type { OwnedFilesSource } from './owned-files.ts';
import { fileListSource } from './owners.ts';
import type { IncompletePart } from './types.ts';

/**
 * What a scan wants of one layer while its bytes pass, and the record made of it. Also for those who read or write a
 * layer for a purpose of their own: a record they leave saves the scan a pass over the layer.
 */
export class LayerCapture {
  readonly #skipped: IncompletePart[] = [];
  readonly #kept = new Set<string>();
  readonly #lists = new Map<string, Buffer>();
  readonly #reading = new LayerReading(ALL_READERS);
  #bytes = 0;
  #files = 0;

  /** @returns true for a file whose content the record needs */
  wants(header: TarHeader): boolean {
    if (!isCaptured(header.path) || !this.#hasRoom(header)) return false;
    this.#kept.add(header.path);
    return true;
  }

  /** @returns what takes the content of a file that is read while it passes */
  watch(header: TarHeader): TarContentSink | undefined {
    const source = header.path.startsWith('var/lib/') ? fileListSource(header.path) : undefined;
    if (source !== undefined) return this.#hasRoom(header) ? this.#condensed(source, header) : undefined;
    return this.#reading.entry(header.path, header.size, header.mode);
  }

  get options(): CollectOptions {
    return {
      capture: (header) => this.wants(header),
      stream: (header) => this.watch(header),
      captureLimit: CAPTURE_FILE_LIMIT,
    };
  }

  /** @param indexed may hold more captured files than a scan wants */
  async record(blob: Digest, indexed: IndexedLayer, hashed: boolean): Promise<LayerRecord> {
    return {
      blob,
      index: indexed.index,
      captured: new Map([...[...indexed.captured].filter(([path]) => this.#kept.has(path)), ...this.#lists]),
      skipped: this.#skipped,
      hashed,
      findings: await this.#reading.finish(),
      readers: ALL_READERS.fingerprint,
    };
  }

  #hasRoom({ path, size }: TarHeader): boolean {
    const reason = overLimit(size, this.#bytes + size, this.#files + 1);
    if (reason !== undefined) {
      this.#skipped.push({ path, reason });
      return false;
    }
    this.#bytes += size;
    this.#files += 1;
    return true;
  }

  #condensed(source: OwnedFilesSource, { path, size }: TarHeader): TarContentSink {
    const parts: Buffer[] = [];
    const keep = (bytes: Buffer): void => void this.#lists.set(path, source.condense(path, bytes));
    return {
      write: (chunk) => {
        if (chunk.length === size) keep(chunk);
        else parts.push(Buffer.from(chunk));
      },
      end: () => {
        if (parts.length > 0) keep(Buffer.concat(parts));
      },
    };
  }
}

function overLimit(size: number, total: number, files: number): string | undefined {
  if (size > CAPTURE_FILE_LIMIT) return `has ${size} bytes, more than ${CAPTURE_FILE_LIMIT} that are read`;
  if (total > CAPTURE_LAYER_LIMIT) return `over the ${CAPTURE_LAYER_LIMIT} bytes that are read of one layer`;
  if (files > CAPTURE_FILES_LIMIT) return `over the ${CAPTURE_FILES_LIMIT} files that are read of one layer`;
  return undefined;
}
