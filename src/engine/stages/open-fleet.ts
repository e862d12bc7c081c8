import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadFleet, loadRecipe, type Recipe, type VerifyChecks } from '../../recipe/index.ts';
import type { Fleet } from '../context.ts';
import type { FleetImage } from '../ports.ts';

/** A recipe of the fleet and where it lies. */
export interface FleetRecipe {
  readonly recipe: Recipe;
  readonly file: string;
  readonly checks: VerifyChecks | undefined;
}

export interface OpenedFleet {
  readonly fleet: Fleet;
  /** By image name. */
  readonly recipes: ReadonlyMap<string, FleetRecipe>;
  /** Entries that the engine cannot make yet, each with the reason; never dropped silently. */
  readonly skipped: readonly { readonly entry: string; readonly reason: string }[];
}

/** Bytes of one file that a recipe names; larger ones belong into a package or a base. */
const MAX_SOURCE_BYTES = 256 * 1024 * 1024;

/**
 * heraklit.yaml → the engine's fleet: every recipe loaded, bases by name, recipe digests over everything they name.
 * @throws RECIPE_INVALID, RECIPE_UNREADABLE
 */
export async function openFleet(path: string): Promise<OpenedFleet> {
  const { document, directory } = await loadFleet(path);
  const recipes = new Map<string, FleetRecipe>();
  const skipped: { entry: string; reason: string }[] = [];
  const digests = new Map<string, string>();
  for (const entry of document.images) {
    if (entry.recipe === undefined) {
      const what = entry.name ?? entry.dockerfile ?? entry.kiwi ?? entry.upstream ?? '';
      skipped.push({ entry: what, reason: 'only images with a recipe are built so far; patch takes any other one' });
      continue;
    }
    const loaded = await loadRecipe(join(directory, entry.recipe));
    const { name } = loaded.document;
    recipes.set(name, { recipe: loaded.document, file: loaded.file, checks: entry.verify ?? document.verify });
    digests.set(name, await recipeDigest(loaded.document, loaded.directory));
  }
  const images = [...recipes].map(([name, { recipe }]): FleetImage => {
    const base = recipe.from !== undefined && recipes.has(recipe.from) ? recipe.from : undefined;
    const recipeDigest = digests.get(name);
    return { image: name, repository: name, tag: 'latest', base, recipe: 'compose', recipeDigest, state: 'enabled' };
  });
  return { fleet: { name: document.name ?? 'fleet', images }, recipes, skipped };
}

/** Over the parsed recipe, so that a comment is no change, and the files it copies. */
async function recipeDigest(recipe: Recipe, directory: string): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  for (const { source } of recipe.files ?? []) {
    if (source === undefined) continue;
    // What cannot be read is the build's error to tell, with the recipe's line.
    const content = await readFile(join(directory, source)).catch(() => Buffer.alloc(0));
    hash.update(`\n${source}\n`).update(content.subarray(0, MAX_SOURCE_BYTES));
  }
  return hash.digest('hex');
}
