import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { messageOf } from '../base/index.ts';
import { analysisProblems } from './analysis-problems.ts';
import { type ComposeFile, composeProblems } from './compose-file.ts';
import { MAX_DOCUMENT_BYTES, readDocument } from './document.ts';
import { recipeError } from './errors.ts';
import { familyProblems } from './families.ts';
import type { FleetHost } from './fleet-rollout-types.ts';
import type { Fleet, FleetCluster, FleetCrawlSource } from './fleet-types.ts';
import type { Problem } from './problems.ts';
import { rolloutProblems } from './rollout-problems.ts';
import { suiteProblems } from './test-problems.ts';
import type { TestSuite } from './test-types.ts';
import type { Recipe } from './types.ts';

/** A document and where it came from; paths in it are relative to `directory`. */
export interface Loaded<T> {
  readonly document: T;
  readonly file: string;
  readonly directory: string;
}

/** @throws RECIPE_INVALID, RECIPE_UNREADABLE */
export async function loadRecipe(path: string): Promise<Loaded<Recipe>> {
  return load(path, parseRecipe);
}

/** @throws RECIPE_INVALID, RECIPE_UNREADABLE */
export async function loadFleet(path: string): Promise<Loaded<Fleet>> {
  return load(path, parseFleet);
}

/** A file of `kind: Tests`. @throws RECIPE_INVALID, RECIPE_UNREADABLE */
export async function loadTests(path: string): Promise<Loaded<TestSuite>> {
  return load(path, (text, file) => readDocument<TestSuite>(text, file, 'tests', (suite) => suiteProblems([], suite)));
}

/** A compose file, as far as tests understand it. @throws RECIPE_INVALID, RECIPE_UNREADABLE */
export async function loadCompose(path: string): Promise<Loaded<ComposeFile>> {
  return load(path, parseCompose);
}

/** @param file name for messages @throws RECIPE_INVALID */
export function parseRecipe(text: string, file = 'recipe'): Recipe {
  return readDocument<Recipe>(text, file, 'recipe', recipeProblems);
}

/** @param file name for messages @throws RECIPE_INVALID */
export function parseFleet(text: string, file = 'fleet'): Fleet {
  return readDocument<Fleet>(text, file, 'fleet', fleetProblems);
}

/** @param file name for messages @throws RECIPE_INVALID */
export function parseCompose(text: string, file = 'compose'): ComposeFile {
  return readDocument<ComposeFile>(text, file, 'compose', composeProblems);
}

async function load<T>(path: string, parse: (text: string, file: string) => T): Promise<Loaded<T>> {
  const file = resolve(path);
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_DOCUMENT_BYTES) throw new Error(`larger than ${MAX_DOCUMENT_BYTES} bytes`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw recipeError('RECIPE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a recipe, fleet, tests or compose file that exists and may be read.',
    });
  }
  return { document: parse(text, basename(path)), file, directory: dirname(file) };
}

function problem(path: readonly (string | number)[], message: string): Problem {
  return { path, atKey: false, message };
}

const FILE_FORMS = ['content', 'source', 'symlink', 'directory'] as const;
/** What only one kind of recipe has. */
const BUILD_SETTINGS = [
  ['context', 'dockerfile'],
  ['args', 'dockerfile'],
  ['target', 'dockerfile'],
  ['profiles', 'kiwi'],
] as const;
const IMAGE_FORMS = ['recipe', 'dockerfile', 'kiwi', 'upstream'] as const;

/** What a JSON Schema could only say in words nobody understands. */
function recipeProblems(recipe: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  if (recipe.distribution === undefined && recipe.from === undefined) {
    problems.push(problem([], 'one of the keys "distribution" and "from" is needed'));
  }
  problems.push(...familyProblems(recipe), ...pinProblems(recipe), ...repositoryProblems(recipe));
  const paths = new Set<string>();
  for (const [index, file] of (recipe.files ?? []).entries()) {
    const at = ['files', index];
    if (FILE_FORMS.filter((form) => file[form] !== undefined).length !== 1) {
      problems.push(problem(at, `exactly one of ${FILE_FORMS.join(', ')} is needed`));
    }
    const path = file.path.replace(/\/+/g, '/').replace(/\/$/, '');
    if (path === '') problems.push(problem([...at, 'path'], 'the root folder itself cannot be a file of a recipe'));
    if (paths.has(path)) problems.push(problem([...at, 'path'], `${path} stands twice in the recipe`));
    paths.add(path);
  }
  problems.push(...accountProblems(recipe), ...checkProblems(recipe));
  for (const field of ['name', 'uid'] as const) {
    const seen = new Set<string | number>();
    for (const [index, user] of (recipe.users ?? []).entries()) {
      if (seen.has(user[field])) problems.push(problem(['users', index, field], `${user[field]} stands twice`));
      seen.add(user[field]);
    }
  }
  return problems;
}

const OF_RUN = ['exit', 'stdout', 'stderr', 'timeout'] as const;
const OF_FILE = ['exists', 'type', 'mode', 'uid', 'gid'] as const;

function checkProblems({ checks = [] }: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, check] of checks.entries()) {
    const at = ['checks', index];
    if ((check.run === undefined) === (check.file === undefined)) {
      problems.push(problem(at, 'exactly one of run, file is needed'));
      continue;
    }
    if (check.run?.length === 0) problems.push(problem([...at, 'run'], 'it names no program'));
    const foreign = (check.run === undefined ? OF_RUN : OF_FILE).find((key) => check[key] !== undefined);
    if (foreign !== undefined) {
      problems.push(problem([...at, foreign], `it says nothing of a check with "${check.run ? 'run' : 'file'}"`));
    }
    for (const key of ['stdout', 'stderr'] as const) {
      try {
        new RegExp(check[key] ?? '', 'm');
      } catch {
        problems.push(problem([...at, key], 'it is no regular expression'));
      }
    }
  }
  return problems;
}

function accountProblems({ users = [], groups = [] }: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, { home, shell, createHome }] of users.entries()) {
    const at = ['users', index];
    if (createHome === true && home === undefined) problems.push(problem(at, 'the key "home" is missing: where to'));
    for (const [key, value] of Object.entries({ home, shell })) {
      // A line of passwd(5) is cut at colons.
      if (/[:\n]/.test(value ?? '')) problems.push(problem([...at, key], 'it must have no colon and no line break'));
    }
  }
  for (const field of ['name', 'gid'] as const) {
    const seen = new Set<string | number>();
    for (const [index, group] of groups.entries()) {
      if (seen.has(group[field])) problems.push(problem(['groups', index, field], `${group[field]} stands twice`));
      seen.add(group[field]);
    }
  }
  return problems;
}

function pinProblems({ pins = [], packages = [], exclude = [] }: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, pin] of pins.entries()) {
    const at = ['pins', index];
    if (pin.priority === 0)
      problems.push(problem([...at, 'priority'], 'expected any number but 0, which means nothing'));
    const places = [pin.version, pin.repository, pin.suite, pin.component];
    if (places.every((place) => place === undefined)) {
      problems.push(problem(at, 'one of the keys "version", "repository", "suite" and "component" is needed'));
    }
    if (pin.version !== undefined && pin.packages.includes('*')) {
      problems.push(
        problem([...at, 'packages'], 'a pin of a version must name packages: "*" would mean every package'),
      );
    }
  }
  for (const [index, name] of exclude.entries()) {
    if (packages.some((asked) => asked.split(/[:=( ]/, 1)[0] === name)) {
      problems.push(problem(['exclude', index], `${name} is also among the packages`));
    }
  }
  return problems;
}

function repositoryProblems({ repositories = [], asOf }: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const [index, { name, keyring, trusted }] of repositories.entries()) {
    const at = ['repositories', index];
    if (names.has(name)) problems.push(problem([...at, 'name'], `${name} stands twice`));
    names.add(name);
    if ((keyring === undefined) === (trusted !== true)) {
      problems.push(problem(at, 'one of "keyring" and "trusted: true" is needed, and not both'));
    }
  }
  if (asOf !== undefined && !Number.isFinite(Date.parse(asOf)))
    problems.push(problem(['asOf'], 'there is no such day'));
  return problems;
}

function buildProblems(image: Fleet['images'][number], index: number): readonly Problem[] {
  return BUILD_SETTINGS.filter(
    ([setting, form]) => image.build?.[setting] !== undefined && image[form] === undefined,
  ).map(([setting, form]) =>
    problem(['images', index, 'build', setting], `only an image with the key "${form}" has this`),
  );
}

function fleetProblems(fleet: Fleet): readonly Problem[] {
  const problems: Problem[] = [];
  if (fleet.registry?.insecure !== undefined && fleet.registry.push === undefined) {
    problems.push(
      problem(['registry', 'insecure'], 'the key "push" is missing: only what is pushed to can be insecure'),
    );
  }
  problems.push(...rolloutProblems(fleet), ...analysisProblems(fleet.rollout));
  problems.push(...sourceProblems(fleet.sources ?? []), ...hostProblems(fleet.hosts ?? []));
  problems.push(...clusterProblems(fleet.clusters ?? []), ...suiteProblems(['verify'], fleet.verify));
  problems.push(...imageProblems(fleet.images), ...testClusterProblems(fleet));
  return problems;
}

/** Clusters that tests name are of the fleet. */
function testClusterProblems({ clusters = [], images, verify }: Fleet): readonly Problem[] {
  const known = new Set(clusters.map(({ name }) => name));
  const all = [
    { path: ['verify'], checks: verify },
    ...images.map((image, index) => ({ path: ['images', index, 'verify'], checks: image.verify })),
  ];
  return all.flatMap(({ path, checks }) => {
    const cluster = checks?.kubernetes?.cluster;
    if (cluster === undefined || known.has(cluster)) return [];
    return [problem([...path, 'kubernetes', 'cluster'], `there is no cluster ${cluster} in the fleet`)];
  });
}

function imageProblems(images: Fleet['images']): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const [index, image] of images.entries()) {
    if (IMAGE_FORMS.filter((form) => image[form] !== undefined).length !== 1) {
      problems.push(problem(['images', index], `exactly one of ${IMAGE_FORMS.join(', ')} is needed`));
    }
    if (image.recipe === undefined && image.name === undefined) {
      problems.push(problem(['images', index], 'the key "name" is missing: only a recipe names itself'));
    }
    problems.push(...buildProblems(image, index));
    if (image.source !== undefined && image.upstream !== undefined) {
      problems.push(problem(['images', index, 'source'], 'an upstream image has no source'));
    }
    if (image.source !== undefined && image.name === undefined) {
      problems.push(problem(['images', index], 'the key "name" is missing: its recipe may not be there to name it'));
    }
    if (image.name !== undefined && names.has(image.name)) {
      problems.push(problem(['images', index, 'name'], `${image.name} stands twice in the fleet`));
    }
    if (image.name !== undefined) names.add(image.name);
    problems.push(...suiteProblems(['images', index, 'verify'], image.verify));
  }
  return problems;
}

const SOURCE_FORMS = ['registry', 'engine', 'kubernetes', 'folder'] as const;
/** What only one kind of source has. */
const SOURCE_SETTINGS = {
  repositories: 'registry',
  tags: 'registry',
  kubeconfig: 'kubernetes',
  namespaces: 'kubernetes',
} as const;

function clusterProblems(clusters: readonly FleetCluster[]): readonly Problem[] {
  const first = new Map(clusters.map(({ name }, index) => [name, index] as const).reverse());
  return clusters.flatMap(({ name }, index) =>
    first.get(name) === index ? [] : [problem(['clusters', index, 'name'], `${name} stands twice in the fleet`)],
  );
}

function sourceProblems(sources: readonly FleetCrawlSource[]): readonly Problem[] {
  return sources.flatMap((source, index): readonly Problem[] => {
    if (SOURCE_FORMS.filter((form) => source[form] !== undefined).length !== 1) {
      return [problem(['sources', index], `exactly one of ${SOURCE_FORMS.join(', ')} is needed`)];
    }
    return Object.entries(SOURCE_SETTINGS).flatMap(([name, form]) =>
      source[name as keyof typeof SOURCE_SETTINGS] === undefined || source[form] !== undefined
        ? []
        : [problem(['sources', index, name], `only a source of the kind ${form} has this`)],
    );
  });
}

const HOST_FORMS = ['endpoint', 'dockerContext', 'podmanConnection'] as const;

function hostProblems(hosts: readonly FleetHost[]): readonly Problem[] {
  const names = new Set<string>();
  return hosts.flatMap((host, index): readonly Problem[] => {
    const twice = names.has(host.name)
      ? [problem(['hosts', index, 'name'], `${host.name} stands twice in the fleet`)]
      : [];
    names.add(host.name);
    if (HOST_FORMS.filter((form) => host[form] !== undefined).length === 1) return twice;
    return [...twice, problem(['hosts', index], `exactly one of ${HOST_FORMS.join(', ')} is needed`)];
  });
}
