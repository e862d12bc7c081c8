import { isHeraklitError } from '../../base/index.ts';
import { type PrimaryRow, packageOfRow, type RepositorySnapshot, readPrimary } from '../../distro/index.ts';
import { feedError } from '../errors.ts';
import { type FetchedRepomd, fetchRepomd, type RepomdContext } from './fetch-repomd.ts';
import { metadata } from './metadata.ts';
import { type ModuleArtifacts, readModules, streamLookup } from './modules.ts';
import { changesOf, readNotices, type UpdateNotice } from './notices.ts';
import { rawMetadata } from './raw-metadata.ts';
import type { RpmRepository } from './repository.ts';

export interface RpmContext extends RepomdContext {
  /** Packages come with what they need and answer to. */
  readonly solving: boolean;
}

async function snapshotOf(
  { repomd, digest }: FetchedRepomd,
  repository: RpmRepository,
  context: RpmContext,
): Promise<RepositorySnapshot> {
  const { solving } = context;
  const read = (bytes: Buffer, what: string) => readPrimary(bytes, what, solving);
  const keptAs = solving ? 'primary-solving' : 'primary';
  const rows = await metadata<readonly PrimaryRow[]>('primary', repomd, repository, context, read, keptAs);
  if (rows === undefined) {
    throw feedError('FEED_INDEX_MISSING', `${repository.id} names no primary.xml with a SHA-256 or SHA-512 checksum`);
  }
  const { id, distribution, name, architecture, security } = repository;
  const notices =
    (await metadata<readonly UpdateNotice[]>('updateinfo', repomd, repository, context, (bytes, what) =>
      readNotices(bytes, distribution, what),
    )) ?? [];
  const modules = await metadata<ModuleArtifacts>('modules', repomd, repository, context, readModules);
  const streamOf = streamLookup(modules ?? []);
  return {
    ...{ id, distribution, architecture, security },
    pocket: name,
    suite: name,
    component: '',
    date: repomd.date,
    releaseDigest: digest,
    notAutomatic: false,
    packageRoots: repository.bases,
    packages: rows.map((row) => {
      const module = streamOf(row);
      return packageOfRow(row, { repository: id, security, ...(module === undefined ? {} : { module }) });
    }),
    changes: changesOf(rows, notices),
    metadata: () => rawMetadata(repomd, repository, context),
  };
}

/**
 * Opens one rpm-md repository: repomd.xml → signature → primary.xml and updateinfo.xml by hash.
 * @throws FEED_*, RELEASE_UNSIGNED, DISTRO_INDEX_INVALID, ADVISORY_*; nothing unverified is ever kept
 */
export async function openRpmRepository(repository: RpmRepository, context: RpmContext): Promise<RepositorySnapshot> {
  const fetched = await fetchRepomd(repository, context);
  try {
    return await snapshotOf(fetched, repository, context);
  } catch (error) {
    // The mirror may have moved on between repomd.xml and the files it names: look once more.
    if (!isHeraklitError(error, 'FEED_HASH_MISMATCH', 'FEED_NOT_FOUND') || context.offline) throw error;
    const newer = await fetchRepomd(repository, { ...context, maxAge: 0 });
    if (newer.digest === fetched.digest) throw error;
    return snapshotOf(newer, repository, context);
  }
}
