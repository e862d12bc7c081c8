import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { contextDigest, readDescription } from '../../build/index.ts';
import { serialize } from '../../oci/index.ts';
import type { FleetImage as FleetEntry } from '../../recipe/index.ts';
import { findDescription } from '../workshop/rebuild-description.ts';
import { buildBounds, type FleetDockerfile } from './fleet-dockerfiles.ts';

/** A KIWI description of the fleet, and how it is built. */
export interface FleetDescription
  extends Pick<FleetDockerfile, 'file' | 'allowed' | 'timeout' | 'memory' | 'processes'> {
  readonly profiles: readonly string[];
}

/** An entry's description: paths are relative to the fleet file. @throws DOCKERFILE_UNREADABLE */
export async function fleetDescription(entry: FleetEntry, directory: string): Promise<FleetDescription> {
  const file = await findDescription(resolve(directory, entry.kiwi ?? ''));
  return { file, profiles: entry.build?.profiles ?? [], ...buildBounds(entry) };
}

/**
 * Which image of the fleet it is derived from, and the digest of all that makes it.
 * @param names of the fleet's images
 * @throws REBUILD_DESCRIPTION_INVALID, REBUILD_CONTEXT_INVALID
 */
export async function descriptionFacts(
  { file, ...settings }: FleetDescription,
  names: ReadonlySet<string>,
): Promise<{ readonly base: string | undefined; readonly recipeDigest: string }> {
  const text = await readFile(file, 'utf8');
  const { uses } = readDescription(text, settings.profiles);
  const hash = createHash('sha256').update(text).update('\0').update(serialize(settings));
  const context = await contextDigest(dirname(file), [`${basename(file)}.lock`]);
  return { base: uses.find(({ name }) => names.has(name))?.name, recipeDigest: hash.update(context).digest('hex') };
}

/** The lock of an image of the fleet. */
export const lockOfDescription = (home: string, image: string): string => join(home, 'locks', `${image}.kiwi.lock`);
