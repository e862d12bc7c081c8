import type { Keyring } from '../../../distro/index.ts';
import { rebuildError } from '../errors.ts';
import type { ContentStore } from './content-store.ts';
import type { LockedResource } from './types.ts';

/** Bytes that a URL must have, and who says so. */
export interface Voucher {
  /** `apk`: the identity of an apk package. */
  readonly algorithm: 'sha256' | 'sha512' | 'apk';
  /** Hexadecimal. */
  readonly hash: string;
  readonly by: string;
}

/** URL → what signed or transported metadata, itself among the resources, says of it. */
export type Vouchers = Map<string, Voucher>;

export interface VouchContext {
  readonly resources: readonly LockedResource[];
  readonly content: ContentStore;
  readonly keyrings: readonly Keyring[];
  readonly vouchers: Vouchers;
}

/** Those of the resources that were answered with content. */
export const answered = (resources: readonly LockedResource[]): readonly LockedResource[] =>
  resources.filter(({ status = 200 }) => status === 200);

/** Files of at most this are read whole. */
const MAX_METADATA = 256 * 1024 * 1024;

export async function readContent(content: ContentStore, { sha256, size, url }: LockedResource): Promise<Buffer> {
  if (size > MAX_METADATA)
    throw rebuildError('REBUILD_SNAPSHOT_LIMIT', `${url} has ${size} bytes: more than metadata may have`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.open(sha256)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
