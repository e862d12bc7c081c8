import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { type LayerIndex, parseLayerIndex, serializeLayerIndex } from '../../oci/index.ts';
import type { LayerFacts } from './types.ts';

const CHECKSUM_BYTES = 4;

/** CRC-32 (4 bytes, big endian) · facts in V8's own form. */
export function encodeFacts(facts: LayerFacts): Buffer {
  const { index, files, linked, scripts, small } = facts;
  const lists = { files: [...files], linked, scripts, small: [...small] };
  const body = serialize({ index: serializeLayerIndex(index), ...lists });
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([checksum, body]);
}

/** Undefined where the bytes are damaged or of another version of Node: the layer is read again. */
export function decodeFacts(bytes: Buffer): LayerFacts | undefined {
  try {
    const body = bytes.subarray(CHECKSUM_BYTES);
    if (crc32(body) !== bytes.readUInt32BE(0)) return undefined;
    const value = deserialize(body) as {
      readonly index: Uint8Array;
      readonly files: readonly [string, Uint8Array][];
      readonly linked: LayerFacts['linked'];
      readonly scripts: LayerFacts['scripts'];
      readonly small: readonly [string, Uint8Array][];
    };
    const index: LayerIndex = parseLayerIndex(value.index);
    const { linked, scripts } = value;
    return { index, files: new Map(value.files), linked, scripts, small: new Map(value.small) };
  } catch {
    return undefined;
  }
}
