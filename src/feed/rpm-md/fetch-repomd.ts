import { createHash } from 'node:crypto';
import { type HeraklitError, isHeraklitError, redact, retry } from '../../base/index.ts';
import { MAX_REPOMD_BYTES, type Repomd, readRepomd, verifyDetached } from '../../distro/index.ts';
import { feedError } from '../errors.ts';
import { everyMirrorFailed } from '../failover.ts';
import type { ReleaseContext } from '../fetch-release.ts';
import { type CachedRelease, readCachedRelease, writeCachedRelease } from '../release-cache.ts';
import { mirrorUrl, openTransfer, type Transfer } from '../transfer.ts';
import type { RpmRepository } from './repository.ts';

/** Rules of transfer and cache are those of Release files; the keys come with the repository. */
export type RepomdContext = Omit<ReleaseContext, 'keyring' | 'trusted'>;

/** A verified state of a repository. */
export interface FetchedRepomd {
  readonly repomd: Repomd;
  /** sha256 of the repomd.xml. */
  readonly digest: string;
}

/** Bytes of a detached signature; one has 1,000. */
const MAX_SIGNATURE_BYTES = 1024 * 1024;

async function readAll(transfer: Transfer, url: string, limit: number): Promise<Buffer> {
  if (transfer.kind === 'unchanged') throw feedError('FEED_UNREACHABLE', `${redact(url)}: unexpected HTTP 304`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of transfer.chunks) {
    size += chunk.byteLength;
    if (size > limit) throw feedError('FEED_HASH_MISMATCH', `${redact(url)} is over ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What a remembered verdict is bound to. */
const trustId = ({ trust }: RpmRepository): string =>
  trust.kind === 'signature' ? trust.keyring.id : trust.kind === 'https' ? 'https' : '';

async function fetchSignature(url: string, { signal }: RepomdContext): Promise<Buffer> {
  return readAll(await openTransfer(url, { signal }), url, MAX_SIGNATURE_BYTES);
}

/** @throws RELEASE_UNSIGNED, FEED_UNTRUSTED where the repository's word is not to be believed */
async function verify(
  bytes: Uint8Array,
  base: string,
  repository: RpmRepository,
  context: RepomdContext,
): Promise<readonly string[]> {
  const { trust } = repository;
  const url = mirrorUrl(base, 'repodata/repomd.xml');
  if (trust.kind === 'always' || (trust.kind === 'https' && /^(?:https|file):/.test(base))) return [];
  if (trust.kind === 'https') {
    throw feedError('FEED_UNTRUSTED', `${redact(url)} is not signed, and did not come over https`, {
      hint: 'Name an https mirror; or, in the fleet file, the keys that sign it (keys) or trusted: true.',
    });
  }
  const signature = await fetchSignature(mirrorUrl(base, 'repodata/repomd.xml.asc'), context).catch(
    (error: unknown) => {
      if (!isHeraklitError(error, 'FEED_NOT_FOUND')) throw error;
      throw feedError('FEED_UNTRUSTED', `${redact(url)} is not signed: it has no repomd.xml.asc`, {
        hint: 'Name another mirror; or, in the fleet file, trusted: true for a mirror of your own.',
        cause: error,
      });
    },
  );
  return verifyDetached(bytes, signature, trust.keyring, context.clock.now(), redact(url));
}

interface Fetched extends FetchedRepomd {
  readonly cached: CachedRelease;
}

const recall = async (cached: CachedRelease): Promise<FetchedRepomd> => ({
  repomd: await readRepomd(Buffer.from(cached.text, 'latin1'), redact(cached.url)),
  digest: cached.digest,
});

async function fetchFrom(
  base: string,
  repository: RpmRepository,
  known: CachedRelease | undefined,
  context: RepomdContext,
): Promise<Fetched> {
  const url = mirrorUrl(base, 'repodata/repomd.xml');
  const { etag, lastModified } = known?.url === url ? known : {};
  const checked = context.clock.now();
  const transfer = await openTransfer(url, { signal: context.signal, etag, lastModified });
  if (transfer.kind === 'unchanged' && known !== undefined) {
    return { ...(await recall(known)), cached: { ...known, checked } };
  }
  const bytes = await readAll(transfer, url, MAX_REPOMD_BYTES);
  const digest = sha256(bytes);
  const signedBy = known?.digest === digest ? known.signedBy : await verify(bytes, base, repository, context);
  const repomd = await readRepomd(bytes, redact(url));
  const answer =
    transfer.kind === 'content' ? { etag: transfer.etag, lastModified: transfer.lastModified } : { etag, lastModified };
  const text = bytes.toString('latin1');
  return { repomd, digest, cached: { url, ...answer, checked, text, signedBy, digest, keyring: trustId(repository) } };
}

/** The first mirror that answers well. */
async function fetchFirst(
  repository: RpmRepository,
  known: CachedRelease | undefined,
  context: RepomdContext,
): Promise<Fetched> {
  const failures: HeraklitError[] = [];
  for (const base of context.failover.order(repository.bases)) {
    try {
      return await fetchFrom(base, repository, known, context);
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      context.failover.failed(repository.bases, base, error);
      failures.push(error);
    }
  }
  if (failures[0] !== undefined) throw everyMirrorFailed(failures[0], failures);
  throw feedError('FEED_NO_MIRROR', `no mirror for ${repository.id}`);
}

/**
 * The current state of a repository. Never older than one seen before from the same mirrors: one that lags behind, or
 * replays, does not take fixes away again.
 *
 * @throws FEED_*, RELEASE_UNSIGNED, DISTRO_INDEX_INVALID
 */
export async function fetchRepomd(repository: RpmRepository, context: RepomdContext): Promise<FetchedRepomd> {
  const id = `rpm-md/${repository.id}`;
  const found = await readCachedRelease(context.cache, id);
  const known = found?.keyring === trustId(repository) ? found : undefined;
  const urls = repository.bases.map((base) => mirrorUrl(base, 'repodata/repomd.xml'));
  const age = known === undefined ? Number.POSITIVE_INFINITY : context.clock.now() - known.checked;
  const isCurrent = age >= 0 && age < context.maxAge && known !== undefined && urls.includes(known.url);
  if (known !== undefined && (context.offline || isCurrent)) return recall(known);
  if (context.offline) {
    throw feedError('FEED_OFFLINE', `${repository.id} is not in the cache and the network was ruled out`, {
      hint: 'Run once without --offline.',
    });
  }
  const { cached, ...fetched } = await retry(() => fetchFirst(repository, known, context), {
    attempts: context.attempts ?? 3,
    delay: 300,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  if (known !== undefined && urls.includes(known.url)) {
    const before = await recall(known);
    if (before.repomd.date > fetched.repomd.date) return before;
  }
  await writeCachedRelease(context.cache, id, cached);
  return fetched;
}
