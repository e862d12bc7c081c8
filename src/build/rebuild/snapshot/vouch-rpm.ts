import { decompressBuffer, detectCompression } from '../../../archive/index.ts';
import { isHeraklitError } from '../../../base/index.ts';
import { MAX_REPOMD_BYTES, readPrimary, readRepomd } from '../../../distro/index.ts';
import type { LockedResource } from './types.ts';
import { readContent, type VouchContext } from './voucher.ts';

const REPOMD = /^(.*\/)repodata\/repomd\.xml$/;
/** Bytes of a primary.xml, unpacked. */
const MAX_PRIMARY_BYTES = 512 * 1024 * 1024;

/**
 * repomd.xml → metadata by checksum → packages by checksum. Who signed repomd.xml is judged by dnf or zypper with the keys
 * of the image; here it counts as what brought it.
 */
export async function vouchRpm(context: VouchContext): Promise<void> {
  for (const resource of context.resources) {
    const root = REPOMD.exec(resource.url)?.[1];
    if (root === undefined || resource.size > MAX_REPOMD_BYTES) continue;
    const by = resource.by === 'https' ? 'repomd.xml by https' : 'repomd.xml';
    try {
      await vouchRepository(root, resource, by, context);
    } catch (error) {
      // No repository that we can read: its files are locked as they came.
      if (!isHeraklitError(error) || !error.code.startsWith('DISTRO_')) throw error;
    }
  }
}

async function vouchRepository(root: string, repomd: LockedResource, by: string, context: VouchContext): Promise<void> {
  const { files } = await readRepomd(await readContent(context.content, repomd), repomd.url);
  const asked = new Map(context.resources.map((resource) => [resource.url, resource]));
  for (const [type, { path, algorithm, checksum }] of files) {
    const url = new URL(path, root).href;
    const resource = asked.get(url);
    if (resource === undefined) continue;
    context.vouchers.set(url, { algorithm, hash: checksum, by });
    if (type === 'primary') await vouchPackages(root, resource, by, context, asked);
  }
}

async function vouchPackages(
  root: string,
  primary: LockedResource,
  by: string,
  context: VouchContext,
  asked: ReadonlyMap<string, unknown>,
): Promise<void> {
  const packed = await readContent(context.content, primary);
  const plain = await decompressBuffer(packed, detectCompression(packed.subarray(0, 6)), {
    maxBytes: MAX_PRIMARY_BYTES,
  });
  for (const [, , , , path, , sha256] of await readPrimary(plain, primary.url)) {
    const url = URL.canParse(path, root) ? new URL(path, root).href : undefined;
    if (url !== undefined && asked.has(url) && sha256 !== '')
      context.vouchers.set(url, { algorithm: 'sha256', hash: sha256, by });
  }
}
