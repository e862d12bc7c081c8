import { type LayerItem, whiteoutOf } from '../../../oci/index.ts';
import { realPath } from '../../patch/real-path.ts';
import { BUNDLE_PATH } from '../certificates.ts';
import { createdAt } from '../created-at.ts';
import { finishImage } from '../finish.ts';
import { refuseForeignScripts } from '../foreign.ts';
import type { Lock } from '../lock-form.ts';
import { ownLayer, type RootBelow } from '../own-layer.ts';
import type { PlacedPackage } from '../root-split.ts';
import { splitLayers } from '../split-layers.ts';
import type { ComposedImage, ComposeRequest } from '../types.ts';
import { type ApkBase, openApkBase } from './base.ts';
import { draftApk } from './choose-packages.ts';
import { fillFlat, hasScripts, stepsOf } from './fill-root.ts';
import { type LockedApk, openApks } from './open-packages.ts';
import { scriptedRoot } from './scripted-root.ts';
import { sourceFiles } from './source-files.ts';
import type { FilledRoot } from './types.ts';

const CERTIFICATES = {
  ...{ added: 'usr/local/share/ca-certificates', bundle: BUNDLE_PATH, linkPrefix: 'ca-cert-' },
};

interface Locked {
  readonly lock: Lock;
  readonly packages: readonly LockedApk[];
}

/** The lock, its packages fetched and verified. */
export async function lockedApk(request: ComposeRequest, base: ApkBase): Promise<Locked> {
  const draft = await draftApk(request, base);
  const packages = await openApks(request, draft.packages);
  const epoch = Math.max(0, createdAt(request), ...packages.map(({ newest }) => newest));
  return { lock: { ...draft, packages: packages.map(({ item }) => item), epoch }, packages };
}

/** The lock that a build would write, without building. */
export const lockApk = async (request: ComposeRequest): Promise<Lock> =>
  (await lockedApk(request, await openApkBase(request, []))).lock;

/**
 * An image of an apk distribution: its packages are installed here, by apk's rules and in its order; scripts and triggers
 * run in a sandbox, with the image's own shell. Nothing needs apk.
 */
export async function composeApk(request: ComposeRequest): Promise<ComposedImage> {
  const started = performance.now();
  await refuseForeignScripts(request);
  const base = await openApkBase(request, [BUNDLE_PATH]);
  const { lock, packages } = await lockedApk(request, base);
  const sources = await sourceFiles(request, { base, packages, epoch: lock.epoch });
  const input = { base, packages, epoch: lock.epoch, sources };
  const steps = stepsOf(request, input);
  const flat = await fillFlat(request, steps, input);
  let scripts: string | undefined;
  let root: FilledRoot = flat;
  if (request.recipe.scripts !== 'none' && hasScripts(steps, input)) {
    const scripted = await scriptedRoot(request, steps, input, flat);
    scripts = scripted.explanation;
    root = { ...flat, items: scripted.items };
  }
  const items = new Map(root.items.map((item) => [item.header.path, item]));
  const entry = (path: string): LayerItem | undefined =>
    items.get(path) ?? (items.has(whiteoutOf(path)) ? undefined : base.entry(path));
  const layers = [...(await splitLayers(request, root.items, root.placed, { epoch: lock.epoch, entry }))];
  const own = await ownLayer(request, lock, rootBelow(entry, root.placed));
  return finishImage(request, { lock, layers: own === undefined ? layers : [...layers, own], scripts, started });
}

function rootBelow(entry: RootBelow['entry'], placed: readonly PlacedPackage[]): RootBelow {
  const paths = new Set(placed.flatMap(({ entries }) => entries.map(({ header }) => header.path)));
  return {
    entry,
    place: (path) =>
      realPath(path, (at) => (entry(at)?.header.type === 'symlink' ? entry(at)?.header.linkName : undefined)),
    zones: { has: (path) => paths.has(path), hasTzdata: placed.some(({ item }) => item.name === 'tzdata') },
    certificates: CERTIFICATES,
  };
}
