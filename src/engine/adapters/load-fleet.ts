import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isHeraklitError } from '../../base/index.ts';
import type { RecipeFacts } from '../../build/index.ts';
import { serialize } from '../../oci/index.ts';
import type { PlanProblem } from '../../plan/index.ts';
import {
  type Fleet as FleetDocument,
  type FleetImage as FleetEntry,
  type Loaded,
  loadFleet,
  loadRecipe,
  nearest,
  type Recipe,
} from '../../recipe/index.ts';
import type { Fleet } from '../context.ts';
import type { FleetImage, ImageSource } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';
import { descriptionFacts, type FleetDescription, fleetDescription } from './fleet-descriptions.ts';
import { dockerfileFacts, type FleetDockerfile, fleetDockerfile } from './fleet-dockerfiles.ts';
import { problemOf, recipePlace, type SourceLook } from './fleet-sources.ts';

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
  /** Image name → KIWI description that makes it. */
  readonly descriptions: ReadonlyMap<string, FleetDescription>;
  /** Images whose source or recipe cannot be used now, and those that stay at what their source was. */
  readonly problems: readonly PlanProblem[];
}

/** Tag that names the released image. */
const TAG = 'latest';

/**
 * @param look needed where images have a `source`: what goes wrong with one of those is that image's problem, not the fleet's
 * @throws RECIPE_INVALID, RECIPE_UNREADABLE, FLEET_WORKLOAD_IMAGE_UNKNOWN, FLEET_SOURCES_UNKNOWN
 */
export async function loadEngineFleet(path: string, look?: SourceLook): Promise<LoadedFleet> {
  const loaded = await loadFleet(path);
  const { document, directory, file } = loaded;
  const found: Found = {
    ...{ recipes: new Map(), dockerfiles: new Map(), descriptions: new Map(), upstream: new Map(), from: new Map() },
    ...{ images: [], names: [], problems: [] },
  };
  for (const entry of document.images) {
    if (entry.upstream !== undefined && entry.name !== undefined) addUpstream(found, entry.name, entry.upstream);
    else if (entry.source === undefined) await addMade(found, entry, directory);
    else await addFromSource(found, entry, loaded, look);
  }
  const { recipes, dockerfiles, descriptions, upstream, images, names, problems, from } = found;
  const all = new Set(names);
  for (const [name, recipe] of recipes) images.push({ ...(await recipeImage(name, recipe, all)), ...from.get(name) });
  for (const [name, one] of dockerfiles) {
    images.push({ ...place(name), recipe: 'dockerfile', ...(await factsOf(name, dockerfileFacts(one, all), found)) });
  }
  for (const [name, one] of descriptions) {
    images.push({ ...place(name), recipe: 'kiwi', ...(await factsOf(name, descriptionFacts(one, all), found)) });
  }
  checkWorkloads(document, file, names);
  const name = document.name ?? 'fleet';
  return { ...loaded, fleet: { name, images }, names, recipes, upstream, dockerfiles, descriptions, problems };
}

interface Found {
  readonly recipes: Map<string, Loaded<Recipe>>;
  readonly dockerfiles: Map<string, FleetDockerfile>;
  readonly descriptions: Map<string, FleetDescription>;
  readonly upstream: Map<string, string>;
  readonly images: FleetImage[];
  readonly names: string[];
  readonly problems: PlanProblem[];
  readonly from: Map<string, { readonly source: ImageSource }>;
}

/** What makes an image that an outside builder makes. What is wrong with one from a source is that image's problem. */
async function factsOf(
  name: string,
  reading: ReturnType<typeof dockerfileFacts>,
  { from, problems }: Found,
): Promise<Pick<FleetImage, 'base' | 'recipeDigest' | 'state' | 'source'>> {
  const facts = await reading.catch((error: unknown) => {
    if (!from.has(name) || !isHeraklitError(error)) throw error;
    problems.push(problemOf(name, error));
    return { base: undefined, recipeDigest: undefined, state: 'disabled' } as const;
  });
  return { state: 'enabled', ...facts, ...from.get(name) };
}

function addUpstream({ upstream, names, images }: Found, name: string, reference: string): void {
  upstream.set(name, reference);
  names.push(name);
  images.push({ ...place(name), base: undefined, recipe: 'none', recipeDigest: undefined, state: 'enabled' });
}

/** @param directory that the entry's paths are below */
async function addMade(found: Found, entry: FleetEntry, directory: string): Promise<void> {
  const { recipes, names } = found;
  if (entry.recipe === undefined) {
    const { name = '' } = entry;
    if (entry.kiwi === undefined) found.dockerfiles.set(name, await fleetDockerfile(entry, directory));
    else found.descriptions.set(name, await fleetDescription(entry, directory));
    names.push(name);
    return;
  }
  const recipe = await loadRecipe(resolve(directory, entry.recipe));
  const { name } = recipe.document;
  if (entry.source !== undefined && name !== entry.name) {
    const what = `${entry.name}: the recipe ${entry.recipe} of its source is of ${name}`;
    throw workshopError('FLEET_RECIPE_NAME', what, { hint: 'Give both the same name.' });
  }
  recipes.set(name, recipe);
  names.push(name);
}

async function addFromSource(
  found: Found,
  entry: FleetEntry,
  { directory, file }: Loaded<FleetDocument>,
  look: SourceLook | undefined,
): Promise<void> {
  const { name = '' } = entry;
  if (look === undefined) {
    throw workshopError('FLEET_SOURCES_UNKNOWN', `${file}: ${name} comes from a source, which is not looked at here`, {
      hint: 'Use plan, run or serve with this fleet file.',
    });
  }
  let source: ImageSource | undefined;
  try {
    const where = await recipePlace(entry, directory, look);
    source = where.source;
    if (where.problem !== undefined) found.problems.push(where.problem);
    await addMade(found, entry, where.directory);
    if (source !== undefined) found.from.set(name, { source });
  } catch (error) {
    // Somebody else's repository must not stop the rest of the fleet.
    if (!isHeraklitError(error)) throw error;
    found.problems.push(problemOf(name, error));
    const recipe = entry.kiwi !== undefined ? 'kiwi' : entry.recipe === undefined ? 'dockerfile' : 'compose';
    const broken = { base: undefined, recipe, recipeDigest: undefined, state: 'disabled' } as const;
    found.images.push({ ...place(name), ...broken, ...(source === undefined ? {} : { source }) });
    found.names.push(name);
  }
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
