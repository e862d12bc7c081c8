import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { FileFinding } from '../language/index.ts';
import { type FlatTree, flattenLayers, type LayerIndex, type ResolvedImage } from '../oci/index.ts';
import { isRelevant } from './captured-paths.ts';
import { layeredView } from './file-view.ts';
import type { LayerRecord } from './layer-record.ts';
import { libraryNamesOf } from './library-names.ts';
import type { InstalledFiles } from './owned-files.ts';
import { NO_EFFECT, packageEffect } from './package-effect.ts';
import { readDistribution } from './read-distribution.ts';
import { NOTHING_FOUND, readFolder } from './read-folder.ts';
import { condensingView, languagePackagesIn, languagePackagesOf, survivors } from './read-language-packages.ts';
import { type ReadLayersOptions, startKeeping } from './read-layers.ts';
import { readPackageSources } from './read-package-sources.ts';
import { type InstalledState, NOTHING_INSTALLED, nativeArchitecture, readInstalled } from './read-packages.ts';
import { rootView } from './root-view.ts';
import type { ImageContents, LayerContents, PackageEffect } from './types.ts';
import type { ImageUsage } from './usage/index.ts';
import { wastedBytes } from './wasted.ts';

/** A root folder on disk instead of an image. */
export interface RootFolder {
  readonly kind: 'dir';
  readonly root: string;
}

/**
 * What is inside an image, without unpacking it: each layer is read once in its life and kept in the layer cache.
 * What cannot be read is named in `incomplete` and the rest is told all the same.
 *
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT, OCI_DIGEST_MISMATCH, INVENTORY_LAYERS_MISMATCH, BLOB_MISSING
 * @throws INVENTORY_ROOT_UNREADABLE
 */
export async function inspectImage(
  image: ResolvedImage | RootFolder,
  options: ReadLayersOptions = {},
): Promise<ImageContents> {
  if ('root' in image) return inspectRoot(image.root, options);
  const { records, kept } = await startKeeping(image, options);
  const contents = await inspectLayers(image, records, options);
  await kept;
  return contents;
}

async function inspectRoot(root: string, options: ReadLayersOptions): Promise<ImageContents> {
  const view = await rootView(root);
  const installed = await readInstalled(view);
  const distribution = await readDistribution(view, installed.packages);
  const { findings, incomplete } = options.systemOnly === true ? NOTHING_FOUND : await readFolder(root, options.signal);
  const installedFiles = { view, packages: installed.packages };
  const linkAt = (path: string): string | undefined => linkOnDisk(root, path);
  const language = await languagePackagesIn(findings, installedFiles, linkAt);
  const isTold = options.usage === true && options.systemOnly !== true;
  return {
    digest: undefined,
    distribution,
    architecture: nativeArchitecture(installed, distribution?.family, ''),
    ecosystem: installed.ecosystem,
    packageDatabase: installed.kind,
    packages: installed.packages,
    languagePackages: language.packages,
    layers: [],
    tree: new Map(),
    packageSources: await readPackageSources(view, installed.ecosystem ?? distribution?.family),
    incomplete: [...installed.incomplete, ...incomplete, ...language.incomplete],
    ...(isTold ? { usage: await folderUsage(findings, root, installedFiles, linkAt) } : {}),
    config: undefined,
    annotations: {},
  };
}

/** Loaded where it is asked for alone. */
async function folderUsage(
  findings: readonly FileFinding[],
  root: string,
  { view, packages }: InstalledFiles,
  linkAt: (path: string) => string | undefined,
): Promise<ImageUsage> {
  const { usageInFolder } = await import('./usage/index.ts');
  return usageInFolder(findings, root, { view: condensingView(view), packages }, linkAt);
}

function linkOnDisk(root: string, path: string): string | undefined {
  try {
    return readlinkSync(join(root, path));
  } catch {
    return undefined;
  }
}

/** The same for an image whose layers were read already. */
export async function inspectLayers(
  image: ResolvedImage,
  records: readonly LayerRecord[],
  options: Pick<ReadLayersOptions, 'usage'> = {},
): Promise<ImageContents> {
  const indexes = records.map((record) => record.index);
  const tree = flattenLayers(indexes);
  const { effects, installed } = await packagesByLayer(records);
  const view = layeredView(tree, records);
  const distribution = await readDistribution(view, installed.packages);
  const language = await languagePackagesOf(records, tree, installed.packages);
  return {
    digest: image.digest,
    distribution,
    architecture: nativeArchitecture(installed, distribution?.family, image.config.architecture),
    ecosystem: installed.ecosystem,
    packageDatabase: installed.kind,
    packages: installed.packages,
    languagePackages: language.packages,
    layers: layerContents(image, records, tree, effects),
    tree,
    indexes,
    libraryNames: records.map(({ findings }) => libraryNamesOf(findings)),
    packageSources: await readPackageSources(view, installed.ecosystem ?? distribution?.family),
    incomplete: [...installed.incomplete, ...language.incomplete],
    ...(options.usage === true ? { usage: await usageOf(image, records, tree, installed) } : {}),
    config: image.config,
    alsoKnownAs: [image.manifest.config.digest],
    annotations: image.manifest.annotations ?? {},
  };
}

/** Loaded where it is asked for alone. */
async function usageOf(
  image: ResolvedImage,
  records: readonly LayerRecord[],
  tree: FlatTree,
  { packages }: InstalledState,
): Promise<ImageUsage> {
  const { usageInTree } = await import('./usage/index.ts');
  const findings = survivors(records, tree).map(({ finding }) => finding);
  return usageInTree(findings, tree, { view: layeredView(tree, records), packages }, image.config);
}

function layerContents(
  image: ResolvedImage,
  records: readonly LayerRecord[],
  tree: FlatTree,
  effects: readonly PackageEffect[],
): readonly LayerContents[] {
  const waste = wastedBytes(
    records.map((record) => record.index),
    tree,
  );
  const commands = (image.config.history ?? []).filter((entry) => entry.empty_layer !== true);
  return records.map((record, at) => ({
    diffId: record.index.diffId,
    digest: record.blob,
    compressedBytes: image.manifest.layers[at]?.size ?? 0,
    bytes: waste[at]?.bytes ?? 0,
    entries: record.index.entries.length,
    packages: effects[at] ?? NO_EFFECT,
    wastedBytes: waste[at]?.wasted ?? 0,
    // Histories that do not match the layers say nothing about them.
    createdBy: commands.length === records.length ? commands[at]?.created_by : undefined,
  }));
}

/**
 * The package database after each layer, and what each did to it. Only the few paths that matter are flattened again
 * for every layer, so this does not grow with layers × files.
 */
async function packagesByLayer(
  records: readonly LayerRecord[],
): Promise<{ readonly effects: readonly PackageEffect[]; readonly installed: InstalledState }> {
  const narrow = records.map((record) => narrowIndex(record.index));
  const effects: PackageEffect[] = [];
  let installed: InstalledState = NOTHING_INSTALLED;
  for (const [at, index] of narrow.entries()) {
    if (index.entries.length + index.whiteouts.length + index.opaques.length === 0) {
      effects.push(NO_EFFECT);
      continue;
    }
    const view = layeredView(flattenLayers(narrow.slice(0, at + 1)), records);
    const after = await readInstalled(view);
    effects.push(packageEffect(installed.packages, after.packages));
    installed = after;
  }
  return { effects, installed };
}

function narrowIndex(index: LayerIndex): LayerIndex {
  return {
    ...index,
    entries: index.entries.filter((entry) => isRelevant(entry.path)),
    whiteouts: index.whiteouts.filter(isRelevant),
    opaques: index.opaques.filter((path) => path === '' || isRelevant(path)),
  };
}
