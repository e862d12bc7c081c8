import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createTarWriter, type TarHeader } from '../../src/archive/index.ts';
import {
  type Digest,
  digestHex,
  digestOf,
  flattenLayers,
  indexLayer,
  type LayerIndex,
  MediaType,
  opaqueOf,
  serialize,
  unpackLayers,
  whiteoutOf,
} from '../../src/oci/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'heraklit-layers-'));
after(() => rmSync(scratch, { recursive: true }));

/** What one layer says about one name. */
type Node =
  | { readonly kind: 'file'; readonly content: string }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'folder'; readonly isOpaque: boolean; readonly children: Readonly<Record<string, Node>> };

const name = fc.constantFrom('a', 'b', 'c');
const leaf: fc.Arbitrary<Node> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), content: fc.constantFrom('1', '22') }),
  fc.record({ kind: fc.constant('symlink' as const), target: fc.constantFrom('a', 'b/c', '/a') }),
  fc.constant({ kind: 'hidden' as const }),
);
const folder = (child: fc.Arbitrary<Node>): fc.Arbitrary<Node> =>
  fc.record({
    kind: fc.constant('folder' as const),
    isOpaque: fc.nat(3).map((n) => n === 0),
    children: fc.dictionary(name, child),
  });
const two = fc.oneof(leaf, folder(leaf));
const layerTree = fc.dictionary(name, fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 3, arbitrary: folder(two) }));

function toTar(tree: Readonly<Record<string, Node>>): Buffer {
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  const add = (path: string, type: TarHeader['type'], content = '', linkName?: string): void => {
    const header = { path, type, mode: 0o755, uid: 0, gid: 0, size: content.length, mtime: 1 };
    writer.add(linkName === undefined ? header : { ...header, linkName }, Buffer.from(content));
  };
  const walk = (children: Readonly<Record<string, Node>>, prefix: string): void => {
    for (const [key, node] of Object.entries(children)) {
      const path = `${prefix}${key}`;
      if (node.kind === 'file') add(path, 'file', node.content);
      else if (node.kind === 'symlink') add(path, 'symlink', '', node.target);
      else if (node.kind === 'hidden') add(whiteoutOf(path), 'file');
      else {
        add(path, 'directory');
        if (node.isOpaque) add(opaqueOf(path), 'file');
        walk(node.children, `${path}/`);
      }
    }
  };
  walk(tree, '');
  writer.finish();
  return Buffer.concat(parts);
}

/** An OCI layout with one image of these layers. */
function writeLayout(directory: string, layers: readonly Buffer[]): void {
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const store = (bytes: Buffer, mediaType: string): { mediaType: string; digest: Digest; size: number } => {
    const digest = digestOf(bytes);
    writeFileSync(join(directory, 'blobs/sha256', digestHex(digest)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map((bytes) => digestOf(bytes)) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: store(serialize(config), MediaType.config),
    layers: layers.map((bytes) => store(bytes, MediaType.layer)),
  };
  const described = {
    ...store(serialize(manifest), MediaType.manifest),
    annotations: { 'org.opencontainers.image.ref.name': 'x' },
  };
  writeFileSync(join(directory, 'index.json'), serialize({ schemaVersion: 2, manifests: [described] }));
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function indexAll(layers: readonly Buffer[]): Promise<LayerIndex[]> {
  const indexes: LayerIndex[] = [];
  for (const bytes of layers) indexes.push((await indexLayer(once(bytes), MediaType.layer)).index);
  return indexes;
}

function flattened(indexes: readonly LayerIndex[]): string[] {
  const letters: Readonly<Record<string, string>> = { file: 'f', directory: 'd', symlink: 'l' };
  return [...flattenLayers(indexes).values()]
    .map(
      ({ entry }) =>
        `${entry.path} ${letters[entry.type]} ${entry.linkName ?? ''} ${entry.type === 'file' ? entry.size : ''}`,
    )
    .sort();
}

function unpackedByUmoci(directory: string, root: string): string[] {
  const result = spawnSync('umoci', ['raw', 'unpack', '--rootless', '--image', `${directory}:x`, root]);
  assert.equal(result.status, 0, String(result.stderr));
  return listing(root);
}

function listing(root: string): string[] {
  const found = spawnSync('find', [root, '-mindepth', '1', '-printf', '%P %y %l %s\\n']).stdout.toString();
  return found
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (/^\S+ f/.test(line) ? line : line.replace(/\d+$/, '')))
    .sort();
}

test('stacked layers give the tree that umoci unpacks, flattened and unpacked', async (context) => {
  if (spawnSync('umoci', ['--version']).error !== undefined) return context.skip('umoci not installed');
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(layerTree, { minLength: 1, maxLength: 4 }), async (trees) => {
      run += 1;
      const directory = join(scratch, String(run));
      const layers = trees.map(toTar);
      writeLayout(directory, layers);
      const expected = unpackedByUmoci(directory, join(scratch, `umoci-${run}`));
      const indexes = await indexAll(layers);
      assert.deepEqual(flattened(indexes), expected);
      const root = join(scratch, `ours-${run}`);
      mkdirSync(root);
      const unpackable = indexes.map((index, at) => ({ index, open: async () => once(layers[at] as Buffer) }));
      await unpackLayers(unpackable, root, { owner: false });
      assert.deepEqual(listing(root), expected);
    }),
    { numRuns: 150 },
  );
});
