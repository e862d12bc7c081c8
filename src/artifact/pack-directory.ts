import { createReadStream } from 'node:fs';
import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asCodedError } from '../base/index.ts';
import { type LayerItem, MediaType, writeLayer } from '../oci/index.ts';
import { artifactError } from './errors.ts';
import { type ArtifactContent, TITLE, UNPACK } from './types.ts';

/** Entries of a folder; a folder of more is rather an image. */
const MAX_ENTRIES = 1_000_000;

/**
 * A folder as one gzip tar that is the same bytes for the same content: names sorted, owner root, times zero. Pulling
 * unpacks it (ORAS does too).
 * @throws ARTIFACT_FILE_INVALID for sockets, devices and pipes
 */
export async function packDirectory(
  path: string,
  title: string,
  mediaType: string = MediaType.layerGzip,
): Promise<ArtifactContent> {
  const scratch = await mkdtemp(join(tmpdir(), 'heraklit-artifact-'));
  const discard = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  const sink = join(scratch, 'packed');
  try {
    const written = await writeLayer(itemsBelow(path, title), { compression: 'gzip', sink, sort: true, clampMtime: 0 });
    return {
      descriptor: {
        mediaType,
        digest: written.digest,
        size: written.size,
        annotations: { [TITLE]: title, [UNPACK]: 'true' },
      },
      open: async () => createReadStream(sink),
      discard,
    };
  } catch (error) {
    await discard();
    throw asCodedError(error);
  }
}

async function* itemsBelow(root: string, title: string): AsyncGenerator<LayerItem, void, undefined> {
  const waiting = [''];
  let entries = 0;
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const path = join(root, below);
    entries += 1;
    if (entries > MAX_ENTRIES)
      throw artifactError('ARTIFACT_FILE_INVALID', `${root} has over ${MAX_ENTRIES} entries`, {
        hint: 'Pack it yourself, or build an image.',
      });
    const found = await lstat(path);
    const name = below === '' ? title : `${title}/${below}`;
    const common = { path: name, mode: found.mode & 0o7777, uid: 0, gid: 0, mtime: 0 };
    // The folder itself may be named by a symlink; below it, links stay links.
    if (found.isDirectory() || below === '') {
      yield { header: { ...common, mode: 0o755, type: 'directory', size: 0 } };
      waiting.push(...(await readdir(path)).map((child) => (below === '' ? child : `${below}/${child}`)));
    } else if (found.isSymbolicLink()) {
      yield { header: { ...common, type: 'symlink', size: 0, linkName: await readlink(path) } };
    } else if (found.isFile()) {
      yield { header: { ...common, type: 'file', size: found.size }, content: contentOf(path) };
    } else {
      throw artifactError('ARTIFACT_FILE_INVALID', `${path} is neither file, folder nor symlink`, {
        hint: 'Sockets, devices and pipes cannot be pushed.',
      });
    }
  }
}

/** Opened when its turn comes: a folder of 100,000 files must not be as many open files. */
async function* contentOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}
