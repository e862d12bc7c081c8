import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RecipeFacts } from '../../build/index.ts';
import { serialize } from '../../oci/index.ts';
import {
  type Fleet as FleetDocument,
  type Loaded,
  loadFleet,
  loadRecipe,
  nearest,
  type Recipe,
} from '../../recipe/index.ts';
import type { Fleet } from '../context.ts';
import type { FleetImage } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';
import { dockerfileFacts, type FleetDockerfile, fleetDockerfile } from './fleet-dockerfiles.ts';

/** A fleet file with its recipes read: what the engine drives, and what the adapters build from. */
export interface LoadedFleet {
  readonly document: FleetDocument;
  readonly file: string;
  readonly directory: string;
  readonly fleet: Fleet;
  /** Name of each entry of the document's `images`, in their order. */
  readonly names: readonly string[];
  readonly recipes: ReadonlyMap<string, Loaded<Recipe>>;
  /** Image name → reference of an image somebody else builds. */
  readonly upstream: ReadonlyMap<string, string>;
  /** Image name → Dockerfile that makes it. */
  readonly dockerfiles: ReadonlyMap<string, FleetDockerfile>;
}

/** Tag that names the released image. */
const TAG = 'latest';

/** @throws RECIPE_INVALID, RECIPE_UNREADABLE, FLEET_IMAGE_UNSUPPORTED, FLEET_WORKLOAD_IMAGE_UNKNOWN */
export async function loadEngineFleet(path: string): Promise<LoadedFleet> {
  const loaded = await loadFleet(path);
  const recipes = new Map<string, Loaded<Recipe>>();
  const upstream = new Map<string, string>();
  const dockerfiles = new Map<string, FleetDockerfile>();
  const images: FleetImage[] = [];
  const names: string[] = [];
  for (const entry of loaded.document.images) {
    if (entry.recipe !== undefined) {
      const recipe = await loadRecipe(resolve(loaded.directory, entry.recipe));
      recipes.set(recipe.document.name, recipe);
      names.push(recipe.document.name);
    } else if (entry.upstream !== undefined && entry.name !== undefined) {
      upstream.set(entry.name, entry.upstream);
      names.push(entry.name);
      images.push({ ...place(entry.name), base: undefined, recipe: 'none', recipeDigest: undefined, state: 'enabled' });
    } else if (entry.dockerfile !== undefined && entry.name !== undefined) {
      dockerfiles.set(entry.name, await fleetDockerfile(entry, loaded.directory));
      names.push(entry.name);
    } else {
      throw workshopError(
        'FLEET_IMAGE_UNSUPPORTED',
        `${loaded.file}: ${entry.name ?? 'an image'} is a KIWI description`,
        {
          hint: 'So far a fleet holds recipes, Dockerfiles and upstream images; name the built image as `upstream` to have it patched.',
        },
      );
    }
  }
  const all = new Set(names);
  for (const [name, recipe] of recipes) images.push(await recipeImage(name, recipe, all));
  for (const [name, dockerfile] of dockerfiles) {
    images.push({
      ...place(name),
      recipe: 'dockerfile',
      state: 'enabled',
      ...(await dockerfileFacts(dockerfile, all)),
    });
  }
  checkWorkloads(loaded.document, loaded.file, names);
  const name = loaded.document.name ?? 'fleet';
  return { ...loaded, fleet: { name, images }, names, recipes, upstream, dockerfiles };
}

/** @throws FLEET_WORKLOAD_IMAGE_UNKNOWN */
function checkWorkloads({ rollout }: FleetDocument, file: string, names: readonly string[]): void {
  for (const { image, workload } of rollout?.workloads ?? []) {
    if (names.includes(image)) continue;
    const near = nearest(image, names);
    const hint = near === undefined ? `The fleet has ${names.slice(0, 10).join(', ')}.` : `Did you mean ${near}?`;
    const what = `${file}: rollout.workloads: ${workload} is to run ${image}, which the fleet does not have`;
    throw workshopError('FLEET_WORKLOAD_IMAGE_UNKNOWN', what, { hint });
  }
}

const place = (name: string) => ({ image: name, repository: name, tag: TAG });

async function recipeImage(
  name: string,
  { document, directory }: Loaded<Recipe>,
  names: ReadonlySet<string>,
): Promise<FleetImage> {
  const base = document.from !== undefined && names.has(document.from) ? document.from : undefined;
  return {
    ...place(name),
    base,
    recipe: 'compose',
    recipeDigest: await digestOfRecipe(document, directory),
    state: 'enabled',
  };
}

/** Recipe and content of the files it names: a change of either is a source change. */
async function digestOfRecipe(recipe: Recipe, directory: string): Promise<string> {
  const hash = createHash('sha256').update(serialize(recipe));
  for (const file of recipe.files ?? []) {
    if (file.source === undefined) continue;
    const content = await readFile(join(directory, file.source)).catch(() => undefined);
    // A folder, or a file that is missing: composing says which, with its own error.
    hash
      .update('\0')
      .update(file.source)
      .update('\0')
      .update(content ?? '');
  }
  return hash.digest('hex');
}

export function recipeFacts(recipe: Recipe): RecipeFacts {
  return { filesOnly: (recipe.packages ?? []).length === 0 && (recipe.users ?? []).length === 0 };
}
