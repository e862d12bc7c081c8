import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type HeraklitError, writeCacheFile } from '../../base/index.ts';
import type { Repomd, RepomdFile, RepositoryMetadata } from '../../distro/index.ts';
import { downloadBuffer } from '../download.ts';
import { feedError } from '../errors.ts';
import { mirrorUrl } from '../transfer.ts';
import type { RepomdContext } from './fetch-repomd.ts';
import type { RpmRepository } from './repository.ts';

/** What a solver reads; its files of other kinds say the same in another form. */
const TYPES = ['primary', 'filelists', 'group', 'modules'];
/** A file's name decides how it is unpacked. */
const NAME = /^[\w.+-]{1,200}$/;

/**
 * The metadata files of a verified state as its server has them, each checked by the hash that repomd.xml names.
 * @throws FEED_*
 */
export async function rawMetadata(
  { files }: Repomd,
  repository: RpmRepository,
  context: RepomdContext,
): Promise<readonly RepositoryMetadata[]> {
  const wanted = TYPES.flatMap((type) => {
    const file = files.get(type);
    return file === undefined || !NAME.test(basename(file.path)) ? [] : [{ type, file }];
  });
  return Promise.all(
    wanted.map(async ({ type, file }) => ({ type, file: await obtain(file, repository, context), ...factsOf(file) })),
  );
}

const factsOf = ({ algorithm, checksum, path }: RepomdFile) => ({ algorithm, checksum, name: basename(path) });

async function obtain(file: RepomdFile, repository: RpmRepository, context: RepomdContext): Promise<string> {
  const { algorithm, checksum } = file;
  const path = join(context.cache, 'indexes', checksum.slice(0, 2), `${checksum.slice(0, 64)}.raw`);
  const known = await readFile(path).catch(() => undefined);
  if (known !== undefined && createHash(algorithm).update(known).digest('hex') === checksum) return path;
  if (context.offline) {
    throw feedError(
      'FEED_OFFLINE',
      `${file.path} of ${repository.id} is not in the cache and the network was ruled out`,
      { hint: 'Run once without --offline.' },
    );
  }
  const { failover, signal, attempts } = context;
  const urls = new Map(failover.order(repository.bases).map((base) => [mirrorUrl(base, file.path), base]));
  const onFailure = (url: string, error: HeraklitError): void =>
    failover.failed(repository.bases, urls.get(url) as string, error);
  const hash = algorithm === 'sha512' ? { sha512: checksum } : { sha256: checksum };
  const bytes = await downloadBuffer(
    { urls: [...urls.keys()], size: file.size, ...hash },
    { signal, attempts, onFailure },
  );
  await writeCacheFile(path, bytes);
  return path;
}
