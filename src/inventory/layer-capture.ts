import type { TarHeader } from '../archive/index.ts';
import type { CollectOptions, Digest, IndexedLayer } from '../oci/index.ts';
import { CAPTURE_FILE_LIMIT, CAPTURE_FILES_LIMIT, CAPTURE_LAYER_LIMIT, isCaptured } from './captured-paths.ts';
import type { LayerRecord } from './layer-record.ts';
import type { IncompletePart } from './types.ts';

/**
 * What a scan wants of one layer while its bytes pass, and the record made of it. Also for those who read or write a
 * layer for a purpose of their own: a record they leave saves the scan a pass over the layer.
 */
export class LayerCapture {
  readonly #skipped: IncompletePart[] = [];
  readonly #kept = new Set<string>();
  #bytes = 0;

  /** @returns true for a file whose content the record needs */
  wants(header: TarHeader): boolean {
    if (!isCaptured(header.path)) return false;
    const reason = overLimit(header.size, this.#bytes + header.size, this.#kept.size + 1);
    if (reason !== undefined) {
      this.#skipped.push({ path: header.path, reason });
      return false;
    }
    this.#bytes += header.size;
    this.#kept.add(header.path);
    return true;
  }

  get options(): CollectOptions {
    return { capture: (header) => this.wants(header), captureLimit: CAPTURE_FILE_LIMIT };
  }

  /** @param indexed may hold more captured files than a scan wants */
  record(blob: Digest, indexed: IndexedLayer, hashed: boolean): LayerRecord {
    const captured = new Map([...indexed.captured].filter(([path]) => this.#kept.has(path)));
    return { blob, index: indexed.index, captured, skipped: this.#skipped, hashed };
  }
}

function overLimit(size: number, total: number, files: number): string | undefined {
  if (size > CAPTURE_FILE_LIMIT) return `has ${size} bytes, more than ${CAPTURE_FILE_LIMIT} that are read`;
  if (total > CAPTURE_LAYER_LIMIT) return `over the ${CAPTURE_LAYER_LIMIT} bytes that are read of one layer`;
  if (files > CAPTURE_FILES_LIMIT) return `over the ${CAPTURE_FILES_LIMIT} files that are read of one layer`;
  return undefined;
}
