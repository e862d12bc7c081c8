import { createHash } from 'node:crypto';
import {
  type Digest,
  digestOf,
  type FlatEntry,
  flattenLayers,
  type ImageConfig,
  type ResolvedImage,
  serialize,
} from '../../oci/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts } from '../layers/read-facts.ts';
import type { LayerFacts } from '../layers/types.ts';
import { isAside, sourceOfByteCode } from './aside.ts';

/** What whoever runs an image can tell of it. */
export interface ImageContent {
  /** The same for the same content, however and whenever it was made. */
  readonly digest: Digest;
  /** Path → type, mode, owner, attributes and content in one line. */
  readonly paths: ReadonlyMap<string, string>;
  /** Member of the config → its value as JSON. */
  readonly config: ReadonlyMap<string, string>;
}

/** Reads an image's layers, each once in its life, and flattens them. @throws OCI_…, BLOB_MISSING */
export async function contentOf(image: ResolvedImage, layers: LayerFactsReader): Promise<ImageContent> {
  const facts = await readFacts(image, layers);
  const tree = flattenLayers(facts.map(({ index }) => index));
  const isContent = (path: string): boolean => !isAside(path) && !tree.has(sourceOfByteCode(path) ?? '');
  const kept = [...tree].filter(([path]) => isContent(path));
  const folders = new Set(kept.flatMap(([path]) => foldersOf(path)));
  const paths = new Map(
    kept
      .filter(([path, flat]) => !(folders.has(path) && isPlainFolder(flat)))
      .map(([path, flat]) => [path, lineOf(path, flat, facts)]),
  );
  const config = configOf(image.config);
  const hash = createHash('sha256');
  for (const part of [paths, config]) {
    for (const [name, line] of [...part].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\0${line}\0`);
    hash.update('\0');
  }
  return { digest: `sha256:${hash.digest('hex')}`, paths, config };
}

/** Every folder above a path. */
function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.push(path.slice(0, at));
  return folders;
}

/** Layers need not spell out the folders of their files: some builders do and some do not. */
const isPlainFolder = ({ entry }: FlatEntry): boolean =>
  entry.type === 'directory' &&
  (entry.mode & 0o7777) === 0o755 &&
  entry.uid === 0 &&
  entry.gid === 0 &&
  Object.keys(entry.xattrs ?? {}).length === 0;

function lineOf(path: string, flat: FlatEntry, facts: readonly LayerFacts[]): string {
  const { entry, layer } = flat.target ?? flat;
  const { type, mode, uid, gid, xattrs = {}, linkName = '', device = '' } = entry;
  const attributes = Object.entries(xattrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  // A link's own mode says nothing.
  const bits = type === 'symlink' ? '' : (mode & 0o7777).toString(8);
  const content =
    type === 'file' ? (contentOfFile(path, facts[layer]?.files.get(entry.path)) ?? entry.sha256) : linkName;
  return [type, bits, `${uid}:${gid}`, content ?? '', device, ...attributes].join(' ').trimEnd();
}

const STATUS = /^var\/lib\/dpkg\/(?:status|available)$/;
const LIST = /^var\/lib\/dpkg\/info\/[^/]+\.list$/;
const SHADOW = /^etc\/g?shadow$/;

/** Of the few files whose bytes may differ where what they say does not; undefined for the others. */
function contentOfFile(path: string, bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const text = (): string => Buffer.from(bytes).toString('latin1');
  // dpkg writes its database in the order of its own memory.
  if (STATUS.test(path)) return `set ${digestOf(text().trim().split(/\n\n+/).sort().join('\n\n'))}`;
  if (LIST.test(path)) return `set ${digestOf(text().trim().split('\n').sort().join('\n'))}`;
  // The day of the last password change is the day of the build.
  if (SHADOW.test(path)) return `days aside ${digestOf(text().replace(/^([^:\n]*:[^:\n]*:)\d+:/gm, '$1:'))}`;
  return undefined;
}

/** Labels that say when an image was built. */
const DATED: ReadonlySet<string> = new Set([
  'org.opencontainers.image.created',
  'org.label-schema.build-date',
  'build-date',
]);

/** What a container is started with; who made the image, when, and in which steps, is left out. */
function configOf({ architecture, os, variant, config = {} }: ImageConfig): ReadonlyMap<string, string> {
  const { Labels = {}, ...runtime } = config;
  const labels = Object.entries(Labels).filter(([name]) => !DATED.has(name));
  const members = { architecture, os, variant, ...runtime, Labels: Object.fromEntries(labels) };
  return new Map(
    Object.entries(members).flatMap(([name, value]): readonly (readonly [string, string])[] => {
      const text = serialize({ value }).toString('utf8').slice('{"value":'.length, -1);
      // Builders write an empty list, an empty object, an empty text or nothing where there is nothing.
      return value === undefined || ['', 'null', '[]', '{}', '""'].includes(text) ? [] : [[name, text]];
    }),
  );
}
