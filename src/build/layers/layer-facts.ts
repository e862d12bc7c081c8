import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TarContentSink, TarHeader } from '../../archive/index.ts';
import { writeCacheFile } from '../../base/index.ts';
import { isElf, NeededStream, readLinkFacts } from '../../elf/index.ts';
import { type LayerCache, LayerCapture } from '../../inventory/index.ts';
import {
  type BlobSource,
  type CollectOptions,
  type Descriptor,
  type Digest,
  digestHex,
  type IndexedLayer,
  indexLayer,
  ociError,
} from '../../oci/index.ts';
import { decodeFacts, encodeFacts } from './facts-format.ts';
import type { LayerFacts, LinkedFile, ScriptFile } from './types.ts';

/** For a layer that is being written: gathers its facts meanwhile. */
export interface FactsCollector {
  readonly options: CollectOptions;
  keep(blob: Digest, indexed: IndexedLayer): Promise<void>;
}

export interface LayerFactsReader {
  /** @throws OCI_DIGEST_MISMATCH when the layer does not unpack to `diffId`; OCI_LAYER_INVALID, OCI_LAYER_LIMIT */
  read(blobs: BlobSource, layer: Descriptor, diffId: Digest): Promise<LayerFacts>;
  /** One layer's worth. */
  collector(): FactsCollector;
}

const FORMAT = 6;
/** Layers whose facts stay in memory: more than any image has. */
const MEMORY_LAYERS = 512;
/** Bytes of one captured file; dpkg's status of 3,000 packages has under 5 MB. */
const CAPTURE_LIMIT = 128 * 1024 * 1024;

const CAPTURED =
  /^(?:var\/lib\/dpkg\/(?:status(?:\.d\/.+)?|info\/[^/]+\.list|triggers\/(?:File|Unincorp)|statoverride|diversions)|etc\/(?:passwd|group|shadow|gshadow|subuid|subgid|shells|ld\.so\.(?:conf|preload|conf\.d\/[^/]+)|ld-musl-[^/]+\.path|os-release|apk\/world)|usr\/lib\/os-release|(?:usr\/)?lib\/apk\/db\/installed)$/;
/** Files that may be ELF by name or mode; libraries carry no execute bit on Debian. */
const mayBeElf = (header: TarHeader): boolean =>
  header.size > 3 && ((header.mode & 0o111) !== 0 || /\.so(?:\.|$)/.test(header.path));

/** Bytes of a small file, and of all that are kept of a layer. */
const SMALL_FILE = 16 * 1024;
const SMALL_FILES = 64 * 1024;

/**
 * Facts by diff id in `directory` (a folder of the home's cache), which may be deleted at any time.
 * @param records where the inventory keeps what it knows of layers: filled on the way, so that it need not read them
 * @param wholeLimit bytes up to which a program is read whole; of a larger one only parts are kept while it passes
 */
export function createLayerFactsReader(
  directory: string,
  records?: LayerCache,
  wholeLimit = CAPTURE_LIMIT,
): LayerFactsReader {
  const memory = new Map<string, Promise<LayerFacts>>();
  const fileOf = (diffId: Digest): string => join(directory, `v${FORMAT}`, digestHex(diffId));
  const remember = (diffId: Digest, facts: Promise<LayerFacts>): void => {
    memory.set(diffId, facts);
    facts.catch(() => memory.delete(diffId));
    if (memory.size > MEMORY_LAYERS) memory.delete(memory.keys().next().value as string);
  };
  const collector = (): FactsCollector & { facts(indexed: IndexedLayer): LayerFacts } => {
    const gathering = new Gathering(wholeLimit);
    return {
      options: gathering.options,
      facts: (indexed) => gathering.facts(indexed),
      async keep(blob, indexed) {
        const facts = gathering.facts(indexed);
        remember(indexed.diffId, Promise.resolve(facts));
        await writeCacheFile(fileOf(indexed.diffId), encodeFacts(facts));
        await records?.put(await gathering.record(blob, indexed));
      },
    };
  };
  const readOrIndex = async (blobs: BlobSource, layer: Descriptor, diffId: Digest): Promise<LayerFacts> => {
    const cached = await readFile(fileOf(diffId)).catch(() => undefined);
    const known = cached === undefined ? undefined : decodeFacts(cached);
    if (known !== undefined) return known;
    const { options, facts, keep } = collector();
    const indexed = await indexLayer(await blobs.open(layer.digest), layer.mediaType, {
      name: layer.digest,
      ...options,
    });
    if (indexed.diffId !== diffId) {
      throw ociError(
        'OCI_DIGEST_MISMATCH',
        `layer ${layer.digest} unpacks to ${indexed.diffId}, its config says ${diffId}`,
        { hint: 'The image is damaged or was made to do harm; nothing of it was used.' },
      );
    }
    await keep(layer.digest, indexed);
    return facts(indexed);
  };
  return {
    read(blobs, layer, diffId) {
      const known = memory.get(diffId);
      if (known !== undefined) return known;
      const facts = readOrIndex(blobs, layer, diffId);
      remember(diffId, facts);
      return facts;
    },
    collector,
  };
}

/** One pass over a layer for everything that is wanted of it, by the builders and by the inventory. */
class Gathering {
  readonly #linked: LinkedFile[] = [];
  readonly #scripts: ScriptFile[] = [];
  readonly #small = new Set<string>();
  #smallBytes = 0;
  readonly #scan = new LayerCapture();
  readonly options: CollectOptions;

  constructor(wholeLimit: number) {
    this.options = {
      capture: (header) => {
        const wanted = this.#scan.wants(header) || CAPTURED.test(header.path);
        return this.#isSmall(header) || wanted;
      },
      visit: (header) =>
        mayBeElf(header) && header.size <= wholeLimit ? (content) => this.#look(header.path, content) : undefined,
      stream: (header) =>
        both(mayBeElf(header) && header.size > wholeLimit ? this.#watch(header) : undefined, this.#scan.watch(header)),
      captureLimit: CAPTURE_LIMIT,
      hashFiles: true,
    };
  }

  #isSmall({ path, size }: TarHeader): boolean {
    if (size > SMALL_FILE || this.#smallBytes + size > SMALL_FILES || CAPTURED.test(path)) return false;
    this.#smallBytes += size;
    this.#small.add(path);
    return true;
  }

  /** A program too large to be read whole. */
  #watch({ path, size }: TarHeader): TarContentSink {
    let stream: NeededStream | undefined;
    let begun = false;
    return {
      write: (chunk) => {
        if (!begun) stream = isElf(chunk) || chunk.length < 4 ? new NeededStream(size) : undefined;
        begun = true;
        stream?.write(chunk);
      },
      end: () => {
        const needed = stream === undefined ? [] : neededBy(() => stream?.end() ?? 'unknown');
        if (needed === 'unknown') this.#linked.push({ path, needed: [], unread: true });
        else if (needed !== undefined && needed.length > 0) this.#linked.push({ path, needed });
      },
    };
  }

  #look(path: string, content: Uint8Array): void {
    if (isElf(content)) {
      const link = neededBy(() => readLinkFacts(content));
      if (link !== undefined) this.#linked.push({ path, needed: link.needed ?? [], link });
      return;
    }
    const interpreter = interpreterOf(content);
    if (interpreter.length > 0) this.#scripts.push({ path, interpreter });
  }

  facts({ index, captured }: IndexedLayer): LayerFacts {
    const files = new Map([...captured].filter(([path]) => CAPTURED.test(path)));
    const small = new Map([...captured].filter(([path]) => this.#small.has(path)));
    return { index, files, linked: this.#linked, scripts: this.#scripts, small };
  }

  record(blob: Digest, indexed: IndexedLayer) {
    return this.#scan.record(blob, indexed, true);
  }
}

/** One sink for two that may both want a file. */
function both(one: TarContentSink | undefined, other: TarContentSink | undefined): TarContentSink | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    write: (chunk) => {
      one.write(chunk);
      other.write(chunk);
    },
    end: () => {
      one.end();
      other.end();
    },
  };
}

function neededBy<Facts>(read: () => Facts): Facts | undefined {
  try {
    return read();
  } catch {
    // A damaged program cannot be linked by the loader either.
    return undefined;
  }
}

/** Bytes of a script's first line that the kernel looks at (BINPRM_BUF_SIZE). */
const INTERPRETER_LINE = 256;

function interpreterOf(content: Uint8Array): readonly string[] {
  if (content[0] !== 0x23 || content[1] !== 0x21) return [];
  const [line = ''] = Buffer.from(content.subarray(2, INTERPRETER_LINE)).toString('latin1').split('\n', 1);
  return line.split(/\s+/).filter((word) => word !== '');
}
