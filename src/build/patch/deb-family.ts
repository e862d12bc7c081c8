import { isHeraklitError } from '../../base/index.ts';
import { readStatus, type StatusDatabase } from '../../distro/index.ts';
import type { Digest, FlatTree } from '../../oci/index.ts';
import { readFacts } from '../layers/read-facts.ts';
import { type StoredLayer, storeLayer } from '../layers/store-layer.ts';
import type { LayerFacts } from '../layers/types.ts';
import { patchError } from './errors.ts';
import { filesOnly } from './files-only.ts';
import { layerItems, pathOf } from './layer-items.ts';
import { mentionedFolders } from './mentions.ts';
import { openPatchRoot, type PatchRoot } from './patch-root.ts';
import { forgetPackages, type PreparedPackage, preparePackages } from './prepare-packages.ts';
import { runDpkg } from './run-dpkg.ts';
import { isSystemPath } from './system-layers.ts';
import type { Original, PatchFamily, PatchRequest, PatchTools } from './types.ts';

const STATUS = 'var/lib/dpkg/status';
const DPKG = 'usr/bin/dpkg';

/** True where the image has the means to patch itself; else files are replaced and nothing is unpacked. */
export const canRunDpkg = (tree: FlatTree): boolean => tree.has(DPKG) && tree.has(STATUS);

/** The image's own dpkg in the sandbox; where it has none (distroless), its files by dpkg's rules. */
export const debFamily: PatchFamily = {
  isShareable: canRunDpkg,
  async makeLayer(request, original, tools) {
    const packages = await preparePackages(request.upgrades, tools);
    const epoch = Math.max(0, ...packages.map((pkg) => pkg.newest));
    const plan = { ...original, packages, epoch };
    const layer = await (canRunDpkg(original.tree) ? withDpkg(request, plan, tools) : withoutDpkg(plan, tools));
    return { layer, epoch };
  },
};

type Plan = Original & { readonly packages: readonly PreparedPackage[]; readonly epoch: number };

async function withDpkg(request: PatchRequest, plan: Plan, tools: PatchTools): Promise<StoredLayer> {
  const { tree, epoch, inputs } = plan;
  tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
  const own = request.root === undefined ? openPatchRoot(request.image, inputs.indexes, tools) : undefined;
  const root = await (own ?? (request.root as Promise<PatchRoot>));
  try {
    const { changes, listedRoot } = await runDpkg({
      ...tools,
      packages: plan.packages,
      installed: request.installed,
      sandbox: root.sandbox,
      root: root.name,
    });
    tools.progress.update('patch', 0, 0, 'writing the layer');
    const items = layerItems(changes, tree, root.path);
    const layer = await storeLayer(items, inputs.mediaType, tools.store, epoch);
    const isShared = !listedRoot && changes.every((change) => isSystemPath(pathOf(change)));
    const mentioned = isShared ? mentionedFolders(tree, root.path, changes) : undefined;
    if (mentioned !== undefined) await tools.memory?.keep(inputs, { layer, epoch }, mentioned);
    return layer;
  } catch (error) {
    if (isHeraklitError(error, 'PATCH_FAILED')) await forgetPackages(plan.packages);
    throw error;
  } finally {
    if (own !== undefined) await root.close();
  }
}

async function withoutDpkg(plan: Plan, tools: PatchTools): Promise<StoredLayer> {
  const { image, tree, packages, epoch, inputs } = plan;
  const status = packageDatabase(await readFacts(image, tools.layers), image.digest);
  return storeLayer(await filesOnly({ image, tree, status, packages, epoch }), inputs.mediaType, tools.store, epoch);
}

/** dpkg's status file, or the files of status.d; of each path the topmost. */
function packageDatabase(facts: readonly LayerFacts[], image: Digest): StatusDatabase {
  const files = new Map(facts.flatMap((fact) => [...fact.files]));
  const whole = files.get(STATUS);
  const parts = [...files].filter(([path]) => path.startsWith(`${STATUS}.d/`) && !path.endsWith('.md5sums'));
  if (whole === undefined && parts.length === 0) {
    throw patchError('PATCH_NO_DATABASE', `${image} has no dpkg database`, {
      hint: 'Images of other package formats, and images without one, are rebuilt instead.',
    });
  }
  return readStatus(whole ?? parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes));
}
