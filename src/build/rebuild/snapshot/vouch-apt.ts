import { decompressBuffer, detectCompression } from '../../../archive/index.ts';
import { isHeraklitError } from '../../../base/index.ts';
import {
  type Keyring,
  MAX_CONTROL_BYTES,
  type Release,
  readPackagesIndex,
  verifyRelease,
} from '../../../distro/index.ts';
import type { LockedResource } from './types.ts';
import { readContent, type VouchContext } from './voucher.ts';

const IN_RELEASE = /^(.*\/)dists\/(.+)\/InRelease$/;

/** InRelease → signature by a key that we know → indexes by hash → packages by hash (wiki.debian.org/DebianRepository/Format). */
export async function vouchApt(context: VouchContext): Promise<void> {
  for (const resource of context.resources) {
    const [, root, suite] = IN_RELEASE.exec(resource.url) ?? [];
    if (root === undefined || suite === undefined) continue;
    const bytes = await readContent(context.content, resource);
    const signed = await signedBy(bytes, context.keyrings);
    if (signed === undefined) continue;
    context.vouchers.set(resource.url, { algorithm: 'sha256', hash: resource.sha256, by: signed.by });
    await vouchSuite(root, suite, signed.release, signed.by, context);
  }
}

async function signedBy(
  bytes: Uint8Array,
  keyrings: readonly Keyring[],
): Promise<{ readonly release: Release; readonly by: string } | undefined> {
  for (const keyring of keyrings) {
    try {
      return { release: await verifyRelease(bytes, keyring, { now: momentOf(bytes) }), by: keyring.name };
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
    }
  }
  return undefined;
}

/** How old a state may be is judged by the apt that asked for it: here an expired one is judged as of its last moment. */
function momentOf(bytes: Uint8Array): number {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 8192)).toString('latin1');
  const until = Date.parse(/^Valid-Until: (.+)$/m.exec(head)?.[1] ?? '');
  return Number.isNaN(until) ? Date.now() : Math.min(Date.now(), until - 1000);
}

async function vouchSuite(
  root: string,
  suite: string,
  release: Release,
  by: string,
  context: VouchContext,
): Promise<void> {
  const folder = `${root}dists/${suite}/`;
  const files = new Map<string, string>();
  for (const [path, { sha256 }] of release.files) {
    files.set(folder + path, sha256);
    files.set(`${folder}${path.slice(0, path.lastIndexOf('/') + 1)}by-hash/SHA256/${sha256}`, sha256);
  }
  const indexes = new Set(
    [...release.files].flatMap(([path, { sha256 }]) => (/\/Packages(?:\.\w+)?$/.test(path) ? [sha256] : [])),
  );
  for (const resource of context.resources) {
    const hash = files.get(resource.url);
    if (hash === undefined) continue;
    context.vouchers.set(resource.url, { algorithm: 'sha256', hash, by });
    if (indexes.has(resource.sha256) && resource.sha256 === hash) await vouchPackages(root, resource, by, context);
  }
}

async function vouchPackages(root: string, index: LockedResource, by: string, context: VouchContext): Promise<void> {
  const packed = await readContent(context.content, index);
  const plain = await decompressBuffer(packed, detectCompression(packed.subarray(0, 6)), {
    maxBytes: MAX_CONTROL_BYTES,
  });
  const asked = new Map(context.resources.map(({ url }) => [decoded(url), url]));
  for (const { filename, sha256 } of readPackagesIndex(plain, { id: index.url, security: false })) {
    const url = asked.get(decoded(root) + filename);
    if (url !== undefined) context.vouchers.set(url, { algorithm: 'sha256', hash: sha256, by });
  }
}

/** apt writes some letters of names as `%2b`, others write them plainly. */
function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
