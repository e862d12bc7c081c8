import { resolve } from 'node:path';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import type { PlanProblem } from '../../plan/index.ts';
import type { FleetImage as FleetEntry, FleetGitSource, FleetSource } from '../../recipe/index.ts';
import type { GitSource, Revision, Source, Sources } from '../../source/index.ts';
import type { ImageSource } from '../ports.ts';

/** How a fleet's sources are looked at. */
export interface SourceLook {
  readonly sources: Sources;
  /** Images whose source is asked what it is now; all where undefined. The others stay at what was fetched last. */
  readonly images?: ReadonlySet<string>;
}

/** Where an image's recipe lies on this machine. */
export interface RecipePlace {
  readonly directory: string;
  readonly source?: ImageSource;
  /** The source could not be asked: this is what it was last. */
  readonly problem?: PlanProblem;
}

/** Files of credentials are named beside the fleet file. */
export function gitSourceOf(git: FleetGitSource, directory: string): GitSource {
  const beside = (file: string): string => resolve(directory, file);
  const { credentials, caFile, ...rest } = git;
  const { passwordFile, sshKeyFile, knownHostsFile, ...words } = credentials ?? {};
  const files = Object.entries({ passwordFile, sshKeyFile, knownHostsFile })
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, file]) => [name, beside(file)]);
  return {
    ...rest,
    ...(caFile === undefined ? {} : { caFile: beside(caFile) }),
    ...(credentials === undefined ? {} : { credentials: { ...words, ...Object.fromEntries(files) } }),
  };
}

/** Files are named beside the fleet file. */
export function sourceOf(named: FleetSource, directory: string): Source {
  const beside = (file: string): string => resolve(directory, file);
  const { git, archive, folder } = named;
  if (git !== undefined) return { kind: 'git', git: gitSourceOf(git, directory) };
  if (archive !== undefined) {
    const isUrl = /^https?:/.test(archive.location);
    return { kind: 'archive', archive: { ...archive, location: isUrl ? archive.location : beside(archive.location) } };
  }
  return { kind: 'folder', folder: { folder: beside(folder ?? '.') } };
}

/**
 * The folder with an image's recipe. A source that cannot be asked now stays what it was; the problem says so.
 * @throws SOURCE_… where it was never fetched
 */
export async function recipePlace(entry: FleetEntry, directory: string, look: SourceLook): Promise<RecipePlace> {
  if (entry.source === undefined) return { directory };
  const source = sourceOf(entry.source, directory);
  const { sources, images } = look;
  const known = await sources.latest(source);
  const ask = known === undefined || images === undefined || images.has(entry.name ?? '');
  let revision = known;
  let problem: PlanProblem | undefined;
  try {
    if (ask) revision = await sources.fetch(source);
  } catch (error) {
    if (known === undefined || !isHeraklitError(error)) throw error;
    problem = problemOf(entry.name ?? '', error);
  }
  if (revision === undefined) throw new Error('a source without revision');
  const place = { directory: await sources.folder(revision), source: imageSource(revision) };
  return problem === undefined ? place : { ...place, problem };
}

function imageSource({ location, path, ref, commit, tree }: Revision): ImageSource {
  return {
    ...{ location, path, tree },
    ...(ref === undefined ? {} : { ref }),
    ...(commit === undefined ? {} : { commit }),
  };
}

export function problemOf(image: string, error: unknown): PlanProblem {
  const code = isHeraklitError(error) ? error.code : 'SYSTEM_ERROR';
  return { code, image, message: messageOf(error), hint: isHeraklitError(error) ? (error.hint ?? '') : '' };
}
