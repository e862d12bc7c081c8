import { join } from 'node:path';
import type { Home } from '../base/index.ts';
import type { BlobStore } from './blob-store.ts';
import { storageError } from './errors.ts';
import { type BlobStoreOptions, openBlobStore } from './fs-blob-store.ts';
import { openS3BlobStore } from './open-s3.ts';
import type { S3Options } from './s3/options.ts';

/** Words after the `?` of a storage URL. */
const WORDS = ['endpoint', 'region', 'path-style', 'encryption', 'encryption-key', 'redirects'] as const;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/;

/**
 * The blobs of a home: its `store` folder, or what its `storage` names.
 * @throws STORAGE_URL_INVALID, and what opening either throws
 */
export async function openHomeStore(
  home: Pick<Home, 'store' | 'scratch' | 'storage'>,
  options: BlobStoreOptions = {},
): Promise<BlobStore> {
  if (home.storage === undefined) return openBlobStore(home.store, options);
  return openS3BlobStore({ ...parseStorageUrl(home.storage), scratch: join(home.scratch, 's3') });
}

/**
 * Reads `s3://BUCKET/PREFIX?endpoint=URL&region=R&path-style=true|false&encryption=AES256|aws:kms&encryption-key=ID&
 * redirects=true|false`; all after the bucket may be left out. Credentials have no place in it: it stands in logs.
 * @throws STORAGE_URL_INVALID
 */
export function parseStorageUrl(text: string): Omit<S3Options, 'scratch'> {
  if (/\/\.\.?(?:[/?]|$)/.test(text)) throw invalid(text, 'its prefix is no folder');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 's3:') throw invalid(text, 'it is no s3:// URL');
  if (url.username !== '' || url.password !== '') throw invalid(text, 'credentials have no place in it');
  const bucket = url.host;
  const prefix = url.pathname.replace(/^\/|\/$/g, '');
  if (!BUCKET.test(bucket)) throw invalid(text, `${JSON.stringify(bucket)} is no bucket name`);
  if (!PREFIX.test(prefix) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(prefix)) throw invalid(text, 'its prefix is no folder');
  for (const word of url.searchParams.keys()) {
    if (!(WORDS as readonly string[]).includes(word)) throw invalid(text, `it knows ${WORDS.join(', ')}, not ${word}`);
  }
  const word = (name: (typeof WORDS)[number]): string | undefined => url.searchParams.get(name) ?? undefined;
  const flag = (name: 'path-style' | 'redirects'): boolean | undefined => {
    const value = word(name);
    if (value === undefined) return undefined;
    if (value === 'true' || value === 'false') return value === 'true';
    throw invalid(text, `${name} is true or false, not ${JSON.stringify(value)}`);
  };
  const endpoint = word('endpoint');
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint)) {
    throw invalid(text, `endpoint is http://HOST or https://HOST, not ${JSON.stringify(endpoint)}`);
  }
  const encryption = word('encryption');
  if (encryption !== undefined && encryption !== 'AES256' && encryption !== 'aws:kms') {
    throw invalid(text, 'encryption is AES256 or aws:kms');
  }
  const settings = {
    prefix,
    endpoint,
    region: word('region'),
    pathStyle: flag('path-style'),
    encryption,
    encryptionKey: word('encryption-key'),
    redirects: flag('redirects'),
  };
  return {
    bucket,
    ...(Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as object),
  };
}

function invalid(text: string, why: string): Error {
  const shown = text.replace(/\/\/[^/@]*@/, '//…@').slice(0, 300);
  return storageError('STORAGE_URL_INVALID', `${JSON.stringify(shown)} does not name a blob storage: ${why}`, {
    hint: 'Expected s3://BUCKET/PREFIX?endpoint=https://HOST; credentials come from the AWS environment or profile.',
  });
}
