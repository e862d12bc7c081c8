import { isHeraklitError } from '../../../base/index.ts';
import { type ApkKeyring, openApkIndex, shippedApkKeyring } from '../../../distro/index.ts';
import type { LockedResource } from './types.ts';
import { readContent, type VouchContext } from './voucher.ts';

const INDEX = /^(.*\/)(?:[^/]+\/)(?:APKINDEX\.tar\.gz|Packages\.adb)$/;
/** Distributions whose keys ship. */
const DISTRIBUTIONS = ['alpine'];

const shippedKeyrings = (): Promise<readonly ApkKeyring[]> => Promise.all(DISTRIBUTIONS.map(shippedApkKeyring));

/** Signed index → packages by the identity it knows them by (a hash of what describes their files, not of the file). */
export async function vouchApk(context: VouchContext, keyrings?: readonly ApkKeyring[]): Promise<void> {
  const indexes = context.resources.filter(({ url }) => INDEX.test(url));
  if (indexes.length === 0) return;
  const known = keyrings ?? (await shippedKeyrings());
  for (const resource of indexes) {
    for (const keyring of known) if (await vouchIndex(resource, keyring, context)) break;
  }
}

/** False: signed by somebody else, which apk inside judges with the keys of its image. */
async function vouchIndex(resource: LockedResource, keyring: ApkKeyring, context: VouchContext): Promise<boolean> {
  const folder = resource.url.slice(0, resource.url.lastIndexOf('/') + 1);
  const architecture = folder.split('/').at(-2) ?? '';
  const bytes = await readContent(context.content, resource);
  const origin = { id: resource.url, security: false, architecture, folder: '' };
  try {
    const { packages } = await openApkIndex(bytes, origin, { keyring, what: resource.url });
    const by = keyring.name;
    context.vouchers.set(resource.url, { algorithm: 'sha256', hash: resource.sha256, by });
    for (const { name, version, identity } of packages) {
      if (identity === undefined) continue;
      context.vouchers.set(`${folder}${name}-${version}.apk`, { algorithm: 'apk', hash: identity, by });
    }
    return true;
  } catch (error) {
    if (isHeraklitError(error)) return false;
    throw error;
  }
}
