/** Images whose layers no honest builder would write, saved as an OCI layout. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  type Digest,
  digestOf,
  type ImageConfig,
  type ImageManifest,
  MediaType,
  serialize,
} from '../../src/oci/index.ts';
import { saveImage } from '../../src/transport/index.ts';

/** One entry of a tar archive, its header written by hand. */
export interface RawEntry {
  readonly name: string;
  /** Type flag: 0 file (default), 1 hard link, 2 symlink, 3 character device, 5 folder. */
  readonly flag?: string;
  readonly link?: string;
  readonly content?: string;
  /** What the header says; default: the content's length. */
  readonly size?: number;
}

const BLOCK = 512;

export function rawHeader({ name, flag = '0', link = '', content = '', size = content.length }: RawEntry): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 'latin1');
  block.write('0000755\x000000000\x000000000\0', 100, 'latin1');
  if (size < 8 ** 11) block.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
  else block.writeUIntBE(size, 130, 6);
  if (size >= 8 ** 11) block[124] = 0x80;
  block.write('14524770000', 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(flag, 156, 'latin1');
  block.write(link, 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

export function rawTar(entries: readonly RawEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const body = Buffer.alloc(Math.ceil((entry.content ?? '').length / BLOCK) * BLOCK);
    body.write(entry.content ?? '', 'latin1');
    return [rawHeader(entry), body];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

export interface RawLayer {
  /** As it lies in the layout, gzip. */
  readonly blob: Buffer;
  readonly diffId: Digest;
}

export function rawLayer(entries: readonly RawEntry[]): RawLayer {
  const tar = rawTar(entries);
  return { blob: gzipSync(tar), diffId: digestOf(tar) };
}

/** A gzip stream of many members that unpacks to one file of `gibibytes` of zeros. */
export function bombLayer(gibibytes: number): RawLayer {
  const member = 64 * 1024 * 1024;
  const zeros = gzipSync(Buffer.alloc(member));
  const count = (gibibytes * 1024 ** 3) / member;
  const head = gzipSync(rawHeader({ name: 'zeros', size: count * member }));
  const blob = Buffer.concat([head, ...Array.from({ length: count }, () => zeros), gzipSync(Buffer.alloc(2 * BLOCK))]);
  // Hashing the zeros would take longer than the test; readers must give up long before they could compare.
  return { blob, diffId: digestOf('unknown') };
}

/** Saves an image of these layers, bottom first. */
export async function saveRawImage(
  directory: string,
  tag: string,
  layers: readonly RawLayer[],
  annotations: Readonly<Record<string, string>> = {},
): Promise<{ readonly reference: string; readonly digest: Digest; readonly layers: readonly Digest[] }> {
  const config: ImageConfig = {
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const configBytes = serialize(config);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(configBytes), size: configBytes.length },
    layers: layers.map(({ blob }) => ({ mediaType: MediaType.layerGzip, digest: digestOf(blob), size: blob.length })),
    annotations,
  };
  const blobs = new Map([configBytes, ...layers.map(({ blob }) => blob)].map((bytes) => [digestOf(bytes), bytes]));
  const manifestBytes = serialize(manifest);
  await saveImage(
    {
      manifestBytes,
      manifest,
      config,
      mediaType: MediaType.manifest,
      blobs: { open: async (digest) => Readable.from([blobs.get(digest) ?? Buffer.alloc(0)]) },
    },
    { kind: 'oci', directory, tag },
  );
  return {
    reference: `oci:${directory}:${tag}`,
    digest: digestOf(manifestBytes),
    layers: manifest.layers.map(({ digest }) => digest),
  };
}
