import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createTarWriter } from '../../src/archive/index.ts';
import {
  type Digest,
  digestOf,
  type ImageConfig,
  type ImageManifest,
  MediaType,
  serialize,
} from '../../src/oci/index.ts';
import { blobMissing } from '../../src/storage/index.ts';
import type { ImageToSave } from '../../src/transport/index.ts';

export interface SampleImage extends ImageToSave {
  readonly content: ReadonlyMap<Digest, Buffer>;
}

export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const chunks: Uint8Array[] = [];
  const tar = createTarWriter((chunk) => void chunks.push(chunk));
  for (const [path, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    tar.add({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: content.length, mtime: 0 }, content);
  }
  tar.finish();
  return Buffer.concat(chunks);
}

/** A small image with a gzip, a zstd and an uncompressed layer. */
export function sampleImage(name = 'sample', architecture = 'amd64'): SampleImage {
  const tars = ['one', 'two', 'three'].map((layer) => tarOf({ [`etc/${layer}`]: `${name} ${layer}\n`.repeat(5_000) }));
  const packed = [gzipSync(tars[0] as Buffer), zstdCompressSync(tars[1] as Buffer), tars[2] as Buffer];
  const types = [MediaType.layerGzip, MediaType.layerZstd, MediaType.layer];
  const config: ImageConfig = {
    architecture,
    os: 'linux',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
  };
  const configBytes = serialize(config);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(configBytes), size: configBytes.length },
    layers: packed.map((bytes, index) => ({
      mediaType: types[index] as string,
      digest: digestOf(bytes),
      size: bytes.length,
    })),
  };
  const content = new Map([configBytes, ...packed].map((bytes) => [digestOf(bytes), Buffer.from(bytes)]));
  return {
    manifestBytes: serialize(manifest),
    mediaType: MediaType.manifest,
    manifest,
    config,
    content,
    blobs: {
      async open(digest) {
        const bytes = content.get(digest);
        if (bytes === undefined) throw blobMissing(digest, 'the sample');
        return Readable.from([bytes]);
      },
    },
  };
}
