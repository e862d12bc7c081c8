import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deserialize, serialize as toBytes } from 'node:v8';
import type { TarHeader } from '../../archive/index.ts';
import { writeFileAtomic } from '../../base/index.ts';
import { readElf } from '../../elf/index.ts';
import {
  type BlobSource,
  type Descriptor,
  type Digest,
  digestHex,
  indexLayer,
  type LayerIndex,
  ociError,
  parseLayerIndex,
  serializeLayerIndex,
} from '../../oci/index.ts';

/** A program or library that the dynamic loader will link. */
export interface LinkedFile {
  readonly path: string;
  readonly needed: readonly string[];
}

/** What the builders need to know of a layer; read once in the layer's life. */
export interface LayerFacts {
  /** With a sha256 for every file. */
  readonly index: LayerIndex;
  /** The package database and the line lists that packages and image builders both write. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Programs and libraries; only filled where asked for, because all of them pass through memory for it. */
  readonly linked: readonly LinkedFile[];
}

export interface LayerFactsReader {
  /** @throws OCI_DIGEST_MISMATCH when the layer does not unpack to `diffId`; OCI_LAYER_INVALID, OCI_LAYER_LIMIT */
  read(
    blobs: BlobSource,
    layer: Descriptor,
    diffId: Digest,
    options?: { readonly linked?: boolean },
  ): Promise<LayerFacts>;
}

const FORMAT = 1;
/** Layers whose facts stay in memory: more than any image has. */
const MEMORY_LAYERS = 512;
/** Bytes of one captured file; dpkg's status of 3,000 packages has under 5 MB. */
const CAPTURE_LIMIT = 128 * 1024 * 1024;

const CAPTURED =
  /^(?:var\/lib\/dpkg\/(?:status(?:\.d\/.+)?|triggers\/(?:File|Unincorp)|statoverride|diversions)|etc\/(?:passwd|group|shadow|gshadow|subuid|subgid|shells))$/;
/** Files that may be ELF by name or mode; libraries carry no execute bit on Debian. */
const MAYBE_ELF = (header: TarHeader): boolean =>
  header.size > 64 && ((header.mode & 0o111) !== 0 || /\.so(?:\.|$)/.test(header.path));

/** Facts by diff id in `directory` (a folder of the home's cache), which may be deleted at any time. */
export function createLayerFactsReader(directory: string): LayerFactsReader {
  const memory = new Map<string, Promise<LayerFacts>>();
  return {
    read(blobs, layer, diffId, { linked = false } = {}) {
      const name = `${digestHex(diffId)}${linked ? '-linked' : ''}`;
      const known = memory.get(name);
      if (known !== undefined) return known;
      const facts = readOrIndex(join(directory, `v${FORMAT}`, name), blobs, layer, diffId, linked);
      memory.set(name, facts);
      facts.catch(() => memory.delete(name));
      if (memory.size > MEMORY_LAYERS) memory.delete(memory.keys().next().value as string);
      return facts;
    },
  };
}

async function readOrIndex(
  file: string,
  blobs: BlobSource,
  layer: Descriptor,
  diffId: Digest,
  linked: boolean,
): Promise<LayerFacts> {
  const cached = await readFile(file).catch(() => undefined);
  const parsed = cached === undefined ? undefined : decode(cached);
  if (parsed !== undefined) return parsed;
  const facts = await index(blobs, layer, diffId, linked);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, encode(facts));
  return facts;
}

async function index(blobs: BlobSource, layer: Descriptor, diffId: Digest, withLinked: boolean): Promise<LayerFacts> {
  const indexed = await indexLayer(await blobs.open(layer.digest), layer.mediaType, {
    name: layer.digest,
    capture: (header) => CAPTURED.test(header.path) || (withLinked && MAYBE_ELF(header)),
    captureLimit: CAPTURE_LIMIT,
    hashFiles: true,
  });
  if (indexed.diffId !== diffId) {
    throw ociError(
      'OCI_DIGEST_MISMATCH',
      `layer ${layer.digest} unpacks to ${indexed.diffId}, its config says ${diffId}`,
      { hint: 'The image is damaged or was made to do harm; nothing of it was used.' },
    );
  }
  const files = new Map<string, Uint8Array>();
  const linked: LinkedFile[] = [];
  for (const [path, bytes] of indexed.captured) {
    if (CAPTURED.test(path)) files.set(path, bytes);
    const needed = neededBy(bytes);
    if (needed.length > 0) linked.push({ path, needed });
  }
  return { index: indexed.index, files, linked };
}

function neededBy(bytes: Uint8Array): readonly string[] {
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) return [];
  try {
    return readElf(bytes).needed;
  } catch {
    // A damaged program cannot be linked by the loader either.
    return [];
  }
}

const encode = (facts: LayerFacts): Buffer =>
  toBytes({ index: serializeLayerIndex(facts.index), files: [...facts.files], linked: facts.linked });

/** Undefined where the cache file is damaged or of another version of Node: it is made again. */
function decode(bytes: Buffer): LayerFacts | undefined {
  try {
    const value = deserialize(bytes) as {
      readonly index: Uint8Array;
      readonly files: readonly [string, Uint8Array][];
      readonly linked: readonly LinkedFile[];
    };
    return { index: parseLayerIndex(value.index), files: new Map(value.files), linked: value.linked };
  } catch {
    return undefined;
  }
}
