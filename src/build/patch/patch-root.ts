import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../base/index.ts';
import { type LayerIndex, type ResolvedImage, unpackLayers } from '../../oci/index.ts';
import { createSandbox, type Sandbox } from '../../runtime/sandbox/index.ts';
import { withoutPatchLayer } from './original.ts';

/** The original image, unpacked in a sandbox's memory. */
export interface PatchRoot {
  readonly sandbox: Sandbox;
  /** The sandbox's folder that holds it. */
  readonly name: string;
  /** Where it is seen from outside; never follow links below it, they are the image's. */
  readonly path: string;
  close(): Promise<void>;
}

export interface PatchRootTools {
  /** Folder in which the sandbox finds a mount point. */
  readonly scratch: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

const NAME = 'root';

/**
 * Unpacks the original of an image into a sandbox's memory. It needs nothing but the layers, so it can go on while
 * others find out what is to be upgraded.
 *
 * @param indexes of the image's layers, bottom first
 * @throws SANDBOX_UNAVAILABLE, OCI_LAYER_INVALID, OCI_LAYER_LIMIT, DISK_FULL when the memory does not suffice
 */
export async function openPatchRoot(
  patched: ResolvedImage,
  indexes: readonly LayerIndex[],
  tools: PatchRootTools,
): Promise<PatchRoot> {
  const { image } = withoutPatchLayer(patched);
  await mkdir(tools.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(tools.scratch, 'patch-'));
  let sandbox: Sandbox | undefined;
  const close = async (): Promise<void> => {
    await sandbox?.close();
    await rm(mountPoint, { recursive: true, force: true });
  };
  try {
    sandbox = await createSandbox({ mountPoint, log: tools.log });
    const path = await sandbox.directory(NAME);
    const layers = image.manifest.layers.map(({ digest, size }, at) => ({
      index: indexes[at] ?? { whiteouts: [], opaques: [] },
      size,
      ownChunks: image.blobs.ownChunks === true,
      open: async () => abortable(await image.blobs.open(digest), tools.signal),
    }));
    const unpacked = await unpackLayers(layers, path);
    // The sandbox has its own /dev.
    const incomplete = unpacked.incomplete.filter((part) => !part.startsWith('dev/'));
    if (incomplete.length > 0) {
      tools.log.warn('parts of the image could not be unpacked; maintainer scripts do not see them', {
        parts: incomplete.slice(0, 20),
        count: incomplete.length,
      });
    }
    return { sandbox, name: NAME, path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal?.throwIfAborted();
    yield chunk;
  }
}
