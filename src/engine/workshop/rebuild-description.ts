import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { createKiwi, type KiwiRequest, rebuildDescription } from '../../build/index.ts';
import { workshopError } from './errors.ts';
import { type RebuildImageOptions, type RebuiltDockerfile, withLock } from './rebuild-image.ts';
import type { Workshop } from './workshop.ts';

export interface RebuildDescriptionOptions
  extends Omit<KiwiRequest, 'description' | 'file' | 'context' | 'name' | 'lock'>,
    Pick<RebuildImageOptions, 'known' | 'onLine'> {
  /** Default: beside the description, with `.lock`. */
  readonly lockFile?: string;
}

/** The description that a path means, as kiwi looks for it: the file itself, `config.xml`, or the first `*.kiwi` of a folder. */
export async function findDescription(path: string): Promise<string> {
  const facts = await stat(path).catch((error: unknown) => {
    throw workshopError('DOCKERFILE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Paths in a fleet file are relative to it.',
    });
  });
  if (!facts.isDirectory()) return resolve(path);
  const names = await readdir(path);
  const found = names.includes('config.xml') ? 'config.xml' : names.sort().find((name) => name.endsWith('.kiwi'));
  if (found !== undefined) return join(resolve(path), found);
  throw workshopError('DOCKERFILE_UNREADABLE', `${path} holds no config.xml and no *.kiwi`, {
    hint: 'Name the description itself.',
  });
}

/**
 * KIWI description → lock beside it → image in the home's store. Its folder is what it takes files and scripts from.
 * @throws DOCKERFILE_UNREADABLE, REBUILD_*
 */
export async function rebuildKiwi(
  path: string,
  options: RebuildDescriptionOptions,
  workshop: Workshop,
): Promise<RebuiltDockerfile> {
  const file = await findDescription(path);
  const { lockFile = `${file}.lock`, known, onLine, ...request } = options;
  const description = await readFile(file, 'utf8');
  const place = { file, lockFile, platform: options.platform, offline: request.offline, known, onLine };
  return withLock(place, workshop, (common, tools) =>
    rebuildDescription(
      { ...request, ...common, description, file: basename(file), context: dirname(file) },
      { ...tools, builder: createKiwi() },
    ),
  );
}
