import { Readable } from 'node:stream';
import { createTarWriter } from '../../../archive/index.ts';
import {
  type BlobSource,
  type Digest,
  digestOf,
  type HistoryEntry,
  type LayerItem,
  MediaType,
  opaqueOf,
  type ResolvedImage,
  type RuntimeConfig,
  serialize,
  whiteoutOf,
} from '../../../oci/index.ts';

/** A file's text or bytes, a folder (null), a link, or either with other attributes. */
export type Node =
  | string
  | Uint8Array
  | null
  | { readonly link: string }
  | { readonly text: string; readonly mode?: number; readonly uid?: number; readonly gid?: number };

export interface TestLayer {
  readonly files?: Readonly<Record<string, Node>>;
  readonly whiteouts?: readonly string[];
  readonly opaques?: readonly string[];
  readonly history?: string;
}

const PLAIN = { uid: 0, gid: 0, size: 0, mtime: 1_700_000_000 } as const;

function itemOf(path: string, node: Node): LayerItem {
  if (node === null) return { header: { ...PLAIN, path, type: 'directory', mode: 0o755 } };
  if (typeof node === 'object' && 'link' in node) {
    return { header: { ...PLAIN, path, type: 'symlink', mode: 0o777, linkName: node.link } };
  }
  const { mode = 0o644, uid = 0, gid = 0 } = typeof node === 'object' && 'text' in node ? node : {};
  const content = Buffer.from(typeof node === 'object' && 'text' in node ? node.text : node);
  return { header: { ...PLAIN, path, type: 'file', mode, uid, gid, size: content.length }, content };
}

export interface TestImage extends ResolvedImage {
  readonly contents: ReadonlyMap<Digest, Uint8Array>;
}

/** An image whose blobs lie in memory. @param below layers and history of the image it is built on */
export async function imageOf(
  layers: readonly TestLayer[],
  config: RuntimeConfig & { readonly OnBuild?: readonly string[] } = {},
  below?: TestImage,
  platform = 'amd64',
): Promise<TestImage> {
  const contents = new Map<Digest, Uint8Array>(below?.contents);
  const descriptors = [...(below?.manifest.layers ?? [])];
  const diffIds = [...(below?.config.rootfs.diff_ids ?? [])];
  const history: HistoryEntry[] = [...(below?.config.history ?? [])];
  for (const { files = {}, whiteouts = [], opaques = [], history: created = 'RUN x' } of layers) {
    const marker = { ...PLAIN, type: 'file', mode: 0o644 } as const;
    const items: LayerItem[] = [
      ...whiteouts.map((path) => ({ header: { ...marker, path: whiteoutOf(path) } })),
      ...opaques.map((path) => ({ header: { ...marker, path: opaqueOf(path) } })),
      ...Object.entries(files).map(([path, node]) => itemOf(path, node)),
    ];
    const chunks: Buffer[] = [];
    const tar = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
    for (const { header, content } of items) tar.add(header, content as Uint8Array | undefined);
    tar.finish();
    const bytes = Buffer.concat(chunks);
    const digest = digestOf(bytes);
    contents.set(digest, bytes);
    descriptors.push({ mediaType: MediaType.layer, digest, size: bytes.length });
    diffIds.push(digest);
    history.push({ created_by: created });
  }
  const imageConfig = {
    architecture: platform,
    os: 'linux',
    config,
    rootfs: { type: 'layers' as const, diff_ids: diffIds },
    history,
  };
  const configBytes = serialize(imageConfig);
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(configBytes), size: configBytes.length },
    layers: descriptors,
  };
  const manifestBytes = serialize(manifest);
  const blobs: BlobSource = { open: async (digest) => Readable.from([contents.get(digest) ?? new Uint8Array()]) };
  return {
    digest: digestOf(manifestBytes),
    mediaType: MediaType.manifest,
    manifestBytes,
    manifest,
    config: imageConfig,
    blobs,
    contents,
  };
}
