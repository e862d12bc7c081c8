import { placeOfHost } from '../../../feed/index.ts';
import { isRepositoryRequest } from './repository-requests.ts';
import type { SnapshotRequest } from './types.ts';

/** Longest URL that is asked for and locked. */
const MAX_URL = 4096;

/** Text of a URL without user, password and fragment: what stands in locks and messages. */
export function publicUrl(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  bare.hash = '';
  return bare.href;
}

/**
 * Why a request of a build is not passed on; undefined where it is. A URL that the recipe or the caller names, by a
 * prefix that ends where a path does, passes; so do requests to package repositories outside this machine and its network.
 */
export function whyNot(request: SnapshotRequest, allowed: readonly string[]): string | undefined {
  const { method, url, agent } = request;
  if (method !== 'GET' && method !== 'HEAD') return 'only GET and HEAD can be locked';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'only http and https can be locked';
  if (url.href.length > MAX_URL) return `its URL is longer than ${MAX_URL} characters`;
  if (allowed.some((prefix) => isBelow(publicUrl(url), prefix))) return undefined;
  if (!isRepositoryRequest(url, agent)) return 'it is no request of a package manager to its repository';
  const place = placeOfHost(url);
  if (place !== 'outside') return `the host lies on this ${place}`;
  return undefined;
}

const isBelow = (url: string, prefix: string): boolean =>
  url === prefix || url.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
