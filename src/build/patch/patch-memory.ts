import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { writeCacheFile } from '../../base/index.ts';
import type { RepositoryPackage } from '../../distro/index.ts';
import { type Digest, isDigest, type LayerIndex } from '../../oci/index.ts';
import { type BlobStore, relyOn } from '../../storage/index.ts';
import type { StoredLayer } from '../layers/store-layer.ts';
import { DPKG_INPUTS } from './run-dpkg.ts';
import { systemLayers } from './system-layers.ts';

/** What one run of the package manager depends on. */
export interface PatchInputs {
  /** Of the original's layers, bottom first. */
  readonly indexes: readonly LayerIndex[];
  readonly upgrades: readonly RepositoryPackage[];
  /** Media type of the layer. */
  readonly mediaType: string;
}

/** The layer that a run made. */
export interface KnownPatch {
  readonly layer: StoredLayer;
  /** Newest file time of the packages, seconds since the epoch. */
  readonly epoch: number;
}

/**
 * Layers by what made them: the same packages over the same system give the same layer, whatever an application has
 * beside it (docs/decisions/0030). A folder of files that may be deleted at any time.
 */
export interface PatchMemory {
  /** Has anything been patched that has the same system? Says whether unpacking the image early is worth it. */
  mayKnow(indexes: readonly LayerIndex[]): boolean;
  /**
   * What is known, or what `run` makes. Where the same runs already for another image, that is waited for first.
   * @returns with `reused`: nothing ran for this image
   */
  recall(
    inputs: PatchInputs,
    store: BlobStore,
    run: () => Promise<KnownPatch>,
  ): Promise<KnownPatch & { readonly reused: boolean }>;
  /** @param mentioned folders below `/` that packages could have looked at */
  keep(inputs: PatchInputs, known: KnownPatch, mentioned: ReadonlySet<string>): Promise<void>;
}

/** To be raised when the same inputs give another layer. */
const FORMAT = 1;

interface RecordFile extends KnownPatch {
  readonly mentioned: readonly string[];
}

export function createPatchMemory(directory: string): PatchMemory {
  const folderOf = (system: readonly Digest[]): string => join(directory, hash([FORMAT, system]));
  const fileOf = ({ upgrades, mediaType }: PatchInputs, system: readonly Digest[]): string => {
    const packages = upgrades.map(({ name, architecture, version, sha256 }) => [name, architecture, version, sha256]);
    const machine = [process.arch, release()];
    return join(folderOf(system), `${hash([DPKG_INPUTS, machine, mediaType, packages.sort()])}.json`);
  };
  const find = async (inputs: PatchInputs, store: BlobStore): Promise<KnownPatch | undefined> => {
    const { diffIds, apart } = systemLayers(inputs.indexes);
    const record = parseRecord(await readFile(fileOf(inputs, diffIds), 'utf8').catch(() => ''));
    if (record === undefined || record.mentioned.some((name) => apart.has(name))) return undefined;
    const { digest, size } = record.layer.descriptor;
    return (await relyOn(store, digest)) === size ? record : undefined;
  };
  /** By file of the record. What they end with is of no interest here. */
  const running = new Map<string, Promise<unknown>>();
  return {
    mayKnow: (indexes) => existsSync(folderOf(systemLayers(indexes).diffIds)),
    async recall(inputs, store, run) {
      const file = fileOf(inputs, systemLayers(inputs.indexes).diffIds);
      // Once: what ran may have been for its own image alone, and then all that waited would run one after another.
      await running.get(file);
      const known = await find(inputs, store);
      if (known !== undefined) return { ...known, reused: true };
      const own = run();
      const ended = own.catch(() => undefined).then(() => running.delete(file));
      running.set(file, ended);
      return { ...(await own), reused: false };
    },
    async keep(inputs, { layer, epoch }, mentioned) {
      const { diffIds, apart } = systemLayers(inputs.indexes);
      if ([...apart].some((name) => mentioned.has(name))) return;
      const record: RecordFile = { layer, epoch, mentioned: [...mentioned].sort() };
      await writeCacheFile(fileOf(inputs, diffIds), JSON.stringify(record));
    },
  };
}

const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** Undefined for a damaged file: the layer is made again. */
function parseRecord(text: string): RecordFile | undefined {
  try {
    const record = JSON.parse(text) as RecordFile;
    const { descriptor, diffId } = record.layer;
    const whole = isDigest(descriptor.digest) && isDigest(diffId) && Number.isSafeInteger(record.epoch);
    return whole && Array.isArray(record.mentioned) ? record : undefined;
  } catch {
    return undefined;
  }
}
