import type { FileFinding } from '../language/index.ts';
import type { Digest, LayerIndex } from '../oci/index.ts';
import { parseLayerIndex, serializeLayerIndex } from '../oci/index.ts';
import { CAPTURE_RULES } from './captured-paths.ts';
import type { IncompletePart } from './types.ts';

/** What a scan keeps of a layer: enough to never read it again. */
export interface LayerRecord {
  /** Digest of the blob it was read from. */
  readonly blob: Digest;
  readonly index: LayerIndex;
  /** path → content of the files a scan needs. */
  readonly captured: ReadonlyMap<string, Uint8Array>;
  /** Files a scan needs but could not keep. */
  readonly skipped: readonly IncompletePart[];
  /** Every file of the index has its sha256. */
  readonly hashed: boolean;
  /** What the readers of languages made of its files; whether a file is still there is for the image to say. */
  readonly findings: readonly FileFinding[];
  /** `ReaderSet.fingerprint` of those readers: others might find more. */
  readonly readers: string;
}

/** Changes with the format and with what is captured: other records are read again. */
const VERSION = `4-${CAPTURE_RULES}`;

interface Header {
  readonly version: string;
  readonly hashed: boolean;
  readonly indexBytes: number;
  readonly captured: readonly (readonly [path: string, bytes: number])[];
  readonly skipped: readonly IncompletePart[];
  readonly findings: readonly FileFinding[];
  readonly readers: string;
}

/** header length (4 bytes, big endian) · header (JSON) · layer index · captured files one after another */
export function serializeLayerRecord(record: LayerRecord): Buffer {
  const index = serializeLayerIndex(record.index);
  const header: Header = {
    version: VERSION,
    hashed: record.hashed,
    indexBytes: index.length,
    captured: [...record.captured].map(([path, bytes]) => [path, bytes.length] as const),
    skipped: record.skipped,
    findings: record.findings,
    readers: record.readers,
  };
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, index, ...record.captured.values()]);
}

/** Undefined where the bytes are damaged or of another version: the layer is read again. */
export function parseLayerRecord(blob: Digest, bytes: Buffer): LayerRecord | undefined {
  try {
    const headEnd = 4 + bytes.readUInt32BE(0);
    const header = JSON.parse(bytes.toString('utf8', 4, headEnd)) as Header;
    if (header.version !== VERSION) return undefined;
    let at = headEnd + header.indexBytes;
    const index = parseLayerIndex(bytes.subarray(headEnd, at));
    const captured = new Map<string, Uint8Array>();
    for (const [path, length] of header.captured) {
      captured.set(path, bytes.subarray(at, at + length));
      at += length;
    }
    if (at !== bytes.length) return undefined;
    const { skipped, hashed, findings, readers } = header;
    return { blob, index, captured, skipped, hashed, findings, readers };
  } catch {
    return undefined;
  }
}
