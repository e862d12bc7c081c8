import { readFile } from 'node:fs/promises';
import { type ApkFile, isProtectedFolder, openApk, type RepositoryPackage, splitPath } from '../../../distro/index.ts';
import { flattenLayers, type LayerItem } from '../../../oci/index.ts';
import { withParents } from '../../layers/parents.ts';
import { readFacts } from '../../layers/read-facts.ts';
import { type StoredLayer, storeLayer } from '../../layers/store-layer.ts';
import { canonicalPath } from '../file-level.ts';
import { layerItems } from '../layer-items.ts';
import { openPatchRoot, type PatchRoot } from '../patch-root.ts';
import { readFiles } from '../read-files.ts';
import type { Original, PatchFamily, PatchRequest, PatchTools } from '../types.ts';
import type { ApkRoot } from './apk-root.ts';
import type { ApkState } from './apk-state.ts';
import { FlatRoot } from './flat-root.ts';
import { type OpenedApk, openedApk } from './install-package.ts';
import { whatMustRun } from './interpreters.ts';
import { filesOf } from './ownership.ts';
import { type ApkDatabaseFiles, readApkFiles, stateOf } from './read-state.ts';
import { SandboxRoot } from './sandbox-root.ts';
import { type ApkTransaction, runTransaction, scriptsOf } from './transaction.ts';
import { withoutRepeated } from './without-repeated.ts';

/**
 * apk's work is done here, by apk's rules: an image need not have apk, nor a shell. Where scripts have to run, they run
 * in the sandbox, with the image's own interpreter; where none do, nothing is unpacked and root is not needed.
 */
export const apkFamily: PatchFamily = {
  isShareable: () => false,
  async makeLayer(request, original, tools) {
    const { image, tree, inputs } = original;
    const database = await readApkFiles(image, tree);
    const state = stateOf(database);
    const opened = await openAll(request.upgrades, tools);
    const epoch = newestTime(opened);
    const transaction: ApkTransaction = { changes: request.steps ?? [], opened, hooks: database.hooks };
    const scripts = whatMustRun(scriptsOf(transaction, state), tree, state);
    for (const name of scripts.skipped) tools.log.warn('a script cannot run in this image, and never did', { name });
    const change = (root: ApkRoot) => apply(transaction, state, database, root, epoch, scripts.mustRun);
    const store = (items: readonly LayerItem[]) => storeLayer(items, inputs.mediaType, tools.store, epoch);
    const layer = scripts.mustRun
      ? await inSandbox(request, original, tools, change, store)
      : await store(await onFiles(original, state, opened, tools, change));
    return { layer, epoch };
  },
};

async function openAll(upgrades: readonly RepositoryPackage[], tools: PatchTools): Promise<Map<string, OpenedApk>> {
  const paths = await tools.packages.fetchAll(upgrades, tools.progress, tools.signal);
  const opened = new Map<string, OpenedApk>();
  for (const [at, offer] of upgrades.entries()) {
    tools.signal?.throwIfAborted();
    const what = `${offer.name} ${offer.version}`;
    const identity = offer.identity === undefined ? {} : { identity: offer.identity };
    const archive = openApk(await readFile(paths[at] as string), { what, ...identity });
    opened.set(offer.name, openedApk(archive, [...(await archive.files())], offer));
  }
  return opened;
}

/** When the newest of the packages was built, or the newest of their files made; seconds since the epoch. */
function newestTime(opened: ReadonlyMap<string, OpenedApk>): number {
  let newest = 0;
  for (const { archive, files } of opened.values()) {
    newest = Math.max(newest, archive.info.buildTime);
    for (const { mtime } of files) newest = Math.max(newest, mtime);
  }
  return newest;
}

async function apply(
  transaction: ApkTransaction,
  state: ApkState,
  database: ApkDatabaseFiles,
  root: ApkRoot,
  epoch: number,
  runs: boolean,
): Promise<void> {
  await runTransaction(transaction, state, root, runs);
  const compression = database.files.has('scripts.tar') ? 'none' : 'gzip';
  const write = (name: string, content: Buffer): void => {
    const path = root.real(`${database.folder}/${name}`);
    if (content.length === 0 && root.entry(path) === undefined) return;
    const file: ApkFile = {
      path,
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: epoch,
      content,
    };
    root.put(file);
  };
  write('installed', state.database());
  write('triggers', state.triggersFile());
  if (state.scripts.size > 0 || database.files.has('scripts.tar') || database.files.has('scripts.tar.gz')) {
    write(compression === 'none' ? 'scripts.tar' : 'scripts.tar.gz', state.scriptsArchive(compression));
  }
}

async function inSandbox(
  request: PatchRequest,
  { tree, inputs }: Original,
  tools: PatchTools,
  change: (root: ApkRoot) => Promise<void>,
  store: (items: readonly LayerItem[]) => Promise<StoredLayer>,
): Promise<StoredLayer> {
  tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
  const own = request.root === undefined ? openPatchRoot(request.image, inputs.indexes, tools) : undefined;
  const opened = await (own ?? (request.root as Promise<PatchRoot>));
  try {
    await opened.sandbox.mount([opened.name]);
    tools.progress.update('patch', 0, 0, `${request.upgrades.length} packages are installed`);
    await change(new SandboxRoot(opened.sandbox, tools.limits, tools.signal));
    return await store(layerItems(await Array.fromAsync(opened.sandbox.changes()), tree, opened.path));
  } finally {
    if (own !== undefined) await opened.close();
  }
}

async function onFiles(
  { image }: Original,
  state: ApkState,
  opened: ReadonlyMap<string, OpenedApk>,
  tools: PatchTools,
  change: (root: ApkRoot) => Promise<void>,
): Promise<readonly LayerItem[]> {
  // With a hash of each file: what comes out as it was is left out.
  const tree = flattenLayers((await readFacts(image, tools.layers)).map(({ index }) => index));
  const wanted = new Set(['etc/passwd', 'etc/group']);
  const add = (path: string): void => {
    if (isProtectedFolder(splitPath(path)[0], state.protectedPaths)) wanted.add(path);
  };
  for (const record of state.records.values()) for (const { path } of filesOf(record)) add(path);
  for (const { files } of opened.values()) for (const { path } of files) add(path);
  const real = new Set([...wanted].map((path) => canonicalPath(path, tree)));
  const root = new FlatRoot(tree, await readFiles(image, tree, real));
  await change(root);
  return withParents(withoutRepeated(root.items(), tree), tree);
}
