import { createHash, type Hash, type KeyObject } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decompress, type TarContentSink, type TarHeader, TarParser } from '../../archive/index.ts';
import { asCodedError, isHeraklitError, messageOf } from '../../base/index.ts';
import { feedError } from '../errors.ts';
import { isSignedBy, SIGNATURE_BYTES } from './keys.ts';
import {
  type BundleFile,
  type BundleManifest,
  MANIFEST,
  MAX_MANIFEST_BYTES,
  parseManifest,
  SIGNATURE,
} from './manifest.ts';

/** All of a bundle, unpacked. */
const MAX_BUNDLE_BYTES = 256 * 1024 ** 3;
const HINT = 'The bundle was cut short or changed on its way: copy it again, or export it anew.';

/**
 * Unpacks a bundle into an empty folder: the signature is checked before anything else is looked at, and every file
 * against the signed manifest while it is written. Nothing outside `staging` is touched.
 *
 * @throws FEED_BUNDLE_UNTRUSTED when the key did not sign it, FEED_BUNDLE_INVALID for everything else
 */
export async function unpackBundle(
  path: string,
  key: KeyObject,
  staging: string,
  signal?: AbortSignal,
): Promise<BundleManifest> {
  const reader = new BundleReader(path, key, staging);
  const parser = new TarParser(reader, { bytes: MAX_BUNDLE_BYTES }, { captureLimit: MAX_MANIFEST_BYTES });
  try {
    const source = createReadStream(path, { highWaterMark: 1024 * 1024 });
    for await (const chunk of decompress(source, 'zstd', { maxBytes: MAX_BUNDLE_BYTES })) {
      signal?.throwIfAborted();
      parser.push(chunk);
    }
    parser.end();
    return reader.finish();
  } catch (error) {
    if (signal?.aborted === true || isHeraklitError(error, 'FEED_BUNDLE_INVALID', 'FEED_BUNDLE_UNTRUSTED', 'DISK_FULL'))
      throw error;
    const coded = asCodedError(error);
    if (isHeraklitError(coded, 'DISK_FULL', 'SYSTEM_ERROR')) throw coded;
    throw feedError('FEED_BUNDLE_INVALID', `${path} is damaged: ${messageOf(error)}`, { cause: error, hint: HINT });
  } finally {
    reader.close();
  }
}

/** Is this file a bundle? Looks at the name of its first member. */
export async function isBundle(path: string): Promise<boolean> {
  let first: string | undefined;
  const parser = new TarParser({
    entry: (header) => {
      first ??= header.path;
      return 'skip';
    },
  });
  try {
    for await (const chunk of decompress(createReadStream(path, { end: 256 * 1024 }), 'zstd', {
      maxBytes: MAX_BUNDLE_BYTES,
    })) {
      parser.push(chunk);
      if (first !== undefined) break;
    }
  } catch {
    // Not zstd, not tar: then it is something else.
  }
  return first === MANIFEST;
}

class BundleReader {
  #manifestBytes: Buffer | undefined;
  #manifest: BundleManifest | undefined;
  #at = 0;
  #open: number | undefined;
  readonly #path: string;
  readonly #key: KeyObject;
  readonly #staging: string;

  constructor(path: string, key: KeyObject, staging: string) {
    this.#path = path;
    this.#key = key;
    this.#staging = staging;
  }

  entry(header: TarHeader): 'capture' | TarContentSink {
    const { path, type, size } = header;
    if (this.#manifestBytes === undefined) {
      if (path !== MANIFEST || type !== 'file' || size > MAX_MANIFEST_BYTES)
        throw this.#invalid('it does not begin with a manifest');
      return 'capture';
    }
    if (this.#manifest === undefined) {
      if (path !== SIGNATURE || type !== 'file' || size !== SIGNATURE_BYTES)
        throw this.#invalid('its manifest is not followed by a signature');
      return 'capture';
    }
    const expected = this.#manifest.files[this.#at];
    if (expected === undefined || type !== 'file' || path !== expected.path || size !== expected.size) {
      throw this.#invalid(
        `it holds ${JSON.stringify(path)} where its manifest has ${JSON.stringify(expected?.path ?? 'nothing')}`,
      );
    }
    this.#at += 1;
    return this.#sink(expected);
  }

  captured(header: TarHeader, bytes: Buffer): void {
    if (header.path === MANIFEST) {
      this.#manifestBytes = bytes;
      return;
    }
    if (!isSignedBy(this.#manifestBytes as Buffer, bytes, this.#key)) {
      throw feedError('FEED_BUNDLE_UNTRUSTED', `${this.#path} was not signed by this key, or was changed since`, {
        hint: 'Give the public key of who exported it with --key.',
      });
    }
    // Judged only now: nobody's text is parsed before it is known whose it is.
    this.#manifest = parseManifest(this.#manifestBytes as Buffer, this.#path);
  }

  finish(): BundleManifest {
    if (this.#manifest === undefined) throw this.#invalid('it ends before its signature');
    const missing = this.#manifest.files[this.#at];
    if (missing !== undefined) throw this.#invalid(`it ends before ${missing.path}`);
    return this.#manifest;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
  }

  /** Paths come from the signed manifest, which knows but a few forms of them. */
  #sink(file: BundleFile): TarContentSink {
    const target = join(this.#staging, file.path);
    mkdirSync(dirname(target), { recursive: true });
    const handle = openSync(target, 'wx', 0o644);
    this.#open = handle;
    const hash: Hash = createHash('sha256');
    return {
      write: (chunk) => {
        hash.update(chunk);
        for (let done = 0; done < chunk.length; ) done += writeSync(handle, chunk, done);
      },
      end: () => {
        fsyncSync(handle);
        this.close();
        if (hash.digest('hex') !== file.sha256) throw this.#invalid(`${file.path} is not what its manifest says`);
      },
    };
  }

  #invalid(why: string): Error {
    return feedError('FEED_BUNDLE_INVALID', `${this.#path}: ${why}`, { hint: HINT });
  }
}
