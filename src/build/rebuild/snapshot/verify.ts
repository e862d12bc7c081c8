import { createHash } from 'node:crypto';
import { isHeraklitError, type Log } from '../../../base/index.ts';
import { type Keyring, openApk } from '../../../distro/index.ts';
import { rebuildError } from '../errors.ts';
import type { ContentStore } from './content-store.ts';
import type { LockedResource } from './types.ts';
import { vouchApk } from './vouch-apk.ts';
import { vouchApt } from './vouch-apt.ts';
import { vouchNpm } from './vouch-npm.ts';
import { vouchPip } from './vouch-pip.ts';
import { vouchRpm } from './vouch-rpm.ts';
import { answered, readContent, type VouchContext, type Voucher, type Vouchers } from './voucher.ts';

/**
 * Holds what a build fetched against what its repositories say: signed indexes of distributions, integrity values of
 * language registries. What nobody vouches for is told, and locked as it came.
 * @throws REBUILD_SNAPSHOT_UNVERIFIED where the bytes are others than the metadata says
 */
export async function verifyResources(
  resources: readonly LockedResource[],
  content: ContentStore,
  keyrings: readonly Keyring[],
  log: Log,
): Promise<readonly LockedResource[]> {
  const vouchers: Vouchers = new Map();
  const context: VouchContext = { resources: answered(resources), content, keyrings, vouchers };
  await vouchApt(context);
  await vouchRpm(context);
  await vouchApk(context);
  await vouchNpm(context);
  await vouchPip(context);
  const verified = await Promise.all(
    resources.map((resource) => verify(resource, vouchers.get(resource.url), content)),
  );
  const alone = answered(verified).filter(({ by }) => by === 'nobody');
  const hosts = [...new Set(alone.map(({ url }) => new URL(url).host))];
  if (alone.length > 0) {
    log.warn(
      `${alone.length} files of ${hosts.join(', ')} are vouched for by nobody: the lock holds them as they came this time`,
    );
  }
  return verified;
}

async function verify(
  resource: LockedResource,
  voucher: Voucher | undefined,
  content: ContentStore,
): Promise<LockedResource> {
  if (voucher === undefined || (resource.status ?? 200) !== 200) return resource;
  const actual = voucher.algorithm === 'sha256' ? resource.sha256 : await hashOf(resource, voucher.algorithm, content);
  if (actual === voucher.hash) return { ...resource, by: voucher.by };
  const what = `${resource.url} has ${voucher.algorithm} ${actual}, and its repository (${voucher.by}) says ${voucher.hash}`;
  throw rebuildError('REBUILD_SNAPSHOT_UNVERIFIED', what, {
    hint: 'The mirror was changing while the build ran, or somebody changed the file: try again, then name another mirror.',
  });
}

async function hashOf(resource: LockedResource, algorithm: 'sha512' | 'apk', content: ContentStore): Promise<string> {
  if (algorithm === 'apk') return identityOf(await readContent(content, resource));
  const hash = createHash(algorithm);
  for await (const chunk of content.open(resource.sha256)) hash.update(chunk);
  return hash.digest('hex');
}

function identityOf(bytes: Buffer): string {
  try {
    return openApk(bytes).identity;
  } catch (error) {
    if (isHeraklitError(error)) return 'of no apk package';
    throw error;
  }
}
