import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { contextDigest, readDockerfile } from '../../build/index.ts';
import { formatPlatform, hostPlatform, serialize } from '../../oci/index.ts';
import type { FleetImage as FleetEntry } from '../../recipe/index.ts';
import { findDockerfile } from '../workshop/rebuild-image.ts';

const MIB = 1024 * 1024;

/** A Dockerfile of the fleet, and how it is built. */
export interface FleetDockerfile {
  readonly file: string;
  readonly context: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly allowed: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly processes?: number;
}

/** An entry's Dockerfile: paths are relative to the fleet file. @throws DOCKERFILE_UNREADABLE */
export async function fleetDockerfile(entry: FleetEntry, directory: string): Promise<FleetDockerfile> {
  const { context, args = {}, target } = entry.build ?? {};
  const file = await findDockerfile(resolve(directory, entry.dockerfile ?? ''));
  return {
    file,
    context: context === undefined ? dirname(file) : resolve(directory, context),
    buildArgs: args,
    ...buildBounds(entry),
    ...(target === undefined ? {} : { target }),
  };
}

/** What any recipe of an outside builder may reach and use up. */
export function buildBounds({
  build,
}: FleetEntry): Pick<FleetDockerfile, 'allowed' | 'timeout' | 'memory' | 'processes'> {
  const { allow = [], timeout, memory, processes } = build ?? {};
  return {
    allowed: allow,
    ...(timeout === undefined ? {} : { timeout }),
    ...(memory === undefined ? {} : { memory: memory * MIB }),
    ...(processes === undefined ? {} : { processes }),
  };
}

/**
 * Which image of the fleet it stands on, and the digest of all that makes it.
 * @param names of the fleet's images
 * @throws REBUILD_DOCKERFILE_INVALID, REBUILD_CONTEXT_INVALID
 */
export async function dockerfileFacts(
  { file, context, ...settings }: FleetDockerfile,
  names: ReadonlySet<string>,
): Promise<{ readonly base: string | undefined; readonly recipeDigest: string }> {
  const text = await readFile(file, 'utf8');
  const platform = formatPlatform(hostPlatform());
  const { uses } = readDockerfile(text, { buildArgs: settings.buildArgs, platform, buildPlatform: platform });
  const lock = relative(context, `${file}.lock`);
  const hash = createHash('sha256').update(text).update('\0').update(serialize(settings));
  return {
    // The last of several: what the final stage begins with comes last.
    base: uses.findLast(({ name }) => names.has(name))?.name,
    recipeDigest: hash.update(await contextDigest(context, [lock])).digest('hex'),
  };
}

/** The lock of an image of the fleet: in the home, since its Dockerfile may lie where nobody may write. */
export const lockOfDockerfile = (home: string, image: string): string =>
  join(home, 'locks', `${image}.dockerfile.lock`);
