import { readFile } from 'node:fs/promises';
import { type InstalledPackage, openRpm, type RepositoryPackage } from '../../../distro/index.ts';
import type { FlatTree } from '../../../oci/index.ts';
import { storeLayer } from '../../layers/store-layer.ts';
import { layerItems } from '../layer-items.ts';
import { openPatchRoot, type PatchRoot } from '../patch-root.ts';
import { resolvesToFile } from '../resolves-to-file.ts';
import type { PatchFamily, PatchTools } from '../types.ts';
import { findRpmDatabase } from './database-place.ts';
import { rpmTool } from './rpm-tool.ts';
import { type RpmRun, runRpm } from './run-rpm.ts';

/** The image's own rpm in the sandbox; where it has none, this machine's, over the same root. */
export const rpmFamily: PatchFamily = {
  isShareable: () => false,
  async makeLayer(request, { image, tree, inputs }, tools) {
    const database = findRpmDatabase(image, tree);
    const { packages, epoch } = await fetchAll(request.upgrades, tools);
    tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
    const own = request.root === undefined ? openPatchRoot(request.image, inputs.indexes, tools) : undefined;
    const root = await (own ?? (request.root as Promise<PatchRoot>));
    try {
      const tool = await rpmTool(image, tree, database, root.sandbox);
      const shell = shellOf(tree, request.installed);
      const { sandbox, name } = root;
      const changes = await runRpm({ ...tools, sandbox, root: name, database, tool, packages, shell });
      const layer = await storeLayer(layerItems(changes, tree, root.path), inputs.mediaType, tools.store, epoch);
      return { layer, epoch };
    } finally {
      if (own !== undefined) await root.close();
    }
  },
};

async function fetchAll(upgrades: readonly RepositoryPackage[], tools: PatchTools) {
  const files = await tools.packages.fetchAll(upgrades, tools.progress, tools.signal);
  const packages: RpmRun['packages'][number][] = [];
  let epoch = 0;
  for (const [at, pkg] of upgrades.entries()) {
    tools.signal?.throwIfAborted();
    const file = files[at] as string;
    epoch = Math.max(epoch, openRpm(await readFile(file), `${pkg.name} ${pkg.version}`).buildTime);
    packages.push({ pkg, file });
  }
  return { packages, epoch };
}

function shellOf(tree: FlatTree, installed: readonly InstalledPackage[]): RpmRun['shell'] {
  if (resolvesToFile('bin/sh', tree)) return 'there';
  const had = installed.some(({ relations }) =>
    relations.provides.some(({ name }) => name === '/bin/sh' || name === '/usr/bin/sh'),
  );
  return had ? 'lost' : 'never';
}
