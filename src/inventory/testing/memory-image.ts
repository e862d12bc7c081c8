import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { createTarWriter, type TarHeader } from '../../archive/index.ts';
import { type Digest, digestOf, type ImageConfig, MediaType, type ResolvedImage } from '../../oci/index.ts';

/** What a test layer holds: path → text, or a link, a folder, or a whiteout by its marker name. */
export type LayerFiles = Readonly<
  Record<
    string,
    | string
    | { readonly symlink: string }
    | { readonly hardlink: string }
    /** A file, or with a path that ends in `/` a folder, of other modes and attributes than usual. */
    | { readonly content: string; readonly mode: number; readonly xattrs?: Readonly<Record<string, string>> }
  >
>;

/** An image in memory, layers bottom first, as any transport would resolve it. */
export function memoryImage(
  layers: readonly LayerFiles[],
  more: {
    readonly config?: Partial<ImageConfig>;
    readonly annotations?: Readonly<Record<string, string>>;
    /** Counts how often each blob is opened. */
    readonly opened?: Map<Digest, number>;
  } = {},
): ResolvedImage {
  const blobs = new Map<Digest, Buffer>();
  const put = (bytes: Buffer): Digest => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  const tars = layers.map(tarOf);
  const descriptors = tars.map((tar) => {
    const packed = gzipSync(tar, { level: 1 });
    return { mediaType: MediaType.layerGzip, digest: put(packed), size: packed.length };
  });
  const config: ImageConfig = {
    os: 'linux',
    architecture: 'amd64',
    created: '2026-01-02T03:04:05Z',
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    ...more.config,
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: put(configBytes), size: configBytes.length },
    layers: descriptors,
    ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  return {
    digest: digestOf(manifestBytes),
    mediaType: MediaType.manifest,
    manifestBytes,
    manifest,
    config,
    blobs: {
      open: async (digest) => {
        more.opened?.set(digest, (more.opened.get(digest) ?? 0) + 1);
        return Readable.from([blobs.get(digest) as Buffer]);
      },
    },
  };
}

function tarOf(files: LayerFiles): Buffer {
  const chunks: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => chunks.push(chunk));
  const base = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000, size: 0 };
  for (const [path, value] of Object.entries(files)) {
    if (path.endsWith('/')) {
      const mode = typeof value === 'object' && 'mode' in value ? value.mode : 0o755;
      writer.add({ ...base, path: path.slice(0, -1), type: 'directory', mode });
    } else if (typeof value === 'string') {
      const content = Buffer.from(value, 'latin1');
      writer.add({ ...base, path, type: 'file', size: content.length }, content);
    } else if ('content' in value) {
      const content = Buffer.from(value.content, 'latin1');
      const { mode, xattrs } = value;
      const attributes = Object.entries(xattrs ?? {}).map(([name, text]) => [name, Buffer.from(text)] as const);
      writer.add(
        {
          ...{ ...base, path, type: 'file', mode, size: content.length },
          ...(attributes.length === 0 ? {} : { xattrs: new Map(attributes) }),
        },
        content,
      );
    } else {
      const link: Pick<TarHeader, 'type' | 'linkName'> =
        'symlink' in value
          ? { type: 'symlink', linkName: value.symlink }
          : { type: 'hardlink', linkName: value.hardlink };
      writer.add({ ...base, path, ...link });
    }
  }
  writer.finish();
  return Buffer.concat(chunks);
}
