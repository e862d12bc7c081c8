import { readFile } from 'node:fs/promises';
import { messageOf } from '../../base/index.ts';
import { parseLocks } from '../../build/index.ts';
import type { PackageCache, PackageFile } from '../../feed/index.ts';
import { findOutdated, inspectLayers, readLayers } from '../../inventory/index.ts';
import type { ResolvedImage } from '../../oci/index.ts';
import { loadRecipe } from '../../recipe/index.ts';
import { workshopError } from './errors.ts';
import { fileOfLocked } from './locked-file.ts';
import { recipePackages } from './recipe-repositories.ts';
import { solveUpgrades } from './solve-upgrades.ts';
import type { Workshop } from './workshop.ts';

/** What a machine without network needs to patch an image, or to build a recipe again. */
export interface Needed {
  readonly distribution: string | undefined;
  readonly packages: readonly PackageFile[];
  /** Where the packages of a repository come from. */
  packagesOf(repository: string): Promise<PackageCache>;
}

/** Everything that brings the image up to date, as a patch would take it; reads the changelogs on the way. */
export async function neededByImage(image: ResolvedImage, tools: Workshop): Promise<Needed> {
  const { signal } = tools.options;
  const records = await readLayers(image, { layerCache: tools.layerCache, ...(signal ? { signal } : {}) });
  const contents = await inspectLayers(image, records);
  const name = contents.distribution?.name;
  if (name === undefined) {
    throw workshopError('IMAGE_UNSUPPORTED', `${image.digest}: no distribution was recognised in it`, {
      hint: 'Leave it out of the bundle.',
    });
  }
  const workshop = tools.forImage(contents);
  const shelf = await workshop.shelf(name, contents.architecture);
  const check = await findOutdated(contents, shelf.snapshots, { changelog: await workshop.changelogs(name, shelf) });
  const { packagesOf } = workshop;
  if (check.kind === 'unsupported' || check.findings.length === 0) {
    return { distribution: name, packages: [], packagesOf };
  }
  const indexes = records.map((record) => record.index);
  const request = { image, contents, indexes, findings: check.findings, everything: true };
  const { upgrades } = await solveUpgrades(request, shelf, workshop);
  return { distribution: name, packages: upgrades, packagesOf };
}

/** What the recipe's lock names. @throws RECIPE_NOT_LOCKED, RECIPE_INVALID, COMPOSE_LOCK_INVALID */
export async function neededByRecipe(path: string, workshop: Workshop): Promise<Needed> {
  const loaded = await loadRecipe(path);
  const lockFile = `${loaded.file}.lock`;
  let text: string;
  try {
    text = await readFile(lockFile, 'utf8');
  } catch (error) {
    throw workshopError('RECIPE_NOT_LOCKED', `${lockFile} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: `Build it once: heraklit build ${path} -o …`,
    });
  }
  const locks = parseLocks(text, lockFile);
  return {
    distribution: locks[0]?.distribution,
    packages: locks.flatMap(({ packages }) => packages.map(fileOfLocked)),
    packagesOf: (repository) => recipePackages(loaded, repository, workshop),
  };
}
