import { gunzipSync, gzipSync } from 'node:zlib';
import { createTarWriter, readTarBuffer } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';

/** Unpacked; Alpine's of 300 packages has 200 kB. */
const MAX_BYTES = 256 * 1024 * 1024;
const HASH_BYTES = 20;

/** `pre-upgrade`, `trigger`, … → script */
export type ApkScripts = ReadonlyMap<string, Buffer>;

/** A package as its scripts are kept: by name, version and identity. */
export interface ApkScriptOwner {
  readonly name: string;
  readonly version: string;
  /** `Q1…` */
  readonly identity: string;
}

/** The kinds in the order in which apk keeps them. */
const KINDS = [
  'pre-install',
  'post-install',
  'pre-deinstall',
  'post-deinstall',
  'pre-upgrade',
  'post-upgrade',
  'trigger',
];

const hexOf = (identity: string): string => Buffer.from(identity.slice(2), 'base64').toString('hex');

/**
 * lib/apk/db/scripts.tar (apk 2, and roots that had it) or scripts.tar.gz: identity (`Q1…`) → scripts.
 * @throws DISTRO_CONTROL_INVALID
 */
export function readScripts(bytes: Uint8Array): ReadonlyMap<string, ApkScripts> {
  const scripts = new Map<string, Map<string, Buffer>>();
  try {
    const tar = bytes[0] === 0x1f ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
    for (const { path, type, content } of readTarBuffer(tar, { bytes: MAX_BYTES }, { allowMissingEnd: true })) {
      const match = /\.[XQ]1([0-9a-f]{40})\.([a-z-]+)$/.exec(path);
      const [, hash = '', kind = ''] = match ?? [];
      if (type !== 'file' || !KINDS.includes(kind)) continue;
      const identity = `Q1${Buffer.from(hash, 'hex').subarray(0, HASH_BYTES).toString('base64')}`;
      const known = scripts.get(identity) ?? new Map<string, Buffer>();
      known.set(kind, content);
      scripts.set(identity, known);
    }
  } catch (error) {
    throw distroError('DISTRO_CONTROL_INVALID', `the archive of installed scripts is broken: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return scripts;
}

export interface OwnedScripts {
  readonly owner: ApkScriptOwner;
  readonly scripts: ApkScripts;
  /** Seconds since the epoch: when the package was built. */
  readonly mtime: number;
}

/** The archive of these, in the order given. */
export function writeScripts(all: readonly OwnedScripts[], compression: 'none' | 'gzip'): Buffer {
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const { owner, scripts, mtime } of all) {
    for (const kind of KINDS) {
      const content = scripts.get(kind);
      if (content === undefined) continue;
      const path = `${owner.name}-${owner.version}.X1${hexOf(owner.identity)}.${kind}`;
      writer.add({ path, type: 'file', mode: 0o755, uid: 0, gid: 0, size: content.length, mtime }, content);
    }
  }
  writer.finish();
  const tar = Buffer.concat(chunks);
  return compression === 'none' ? tar : gzipSync(tar);
}

/** lib/apk/db/triggers: identity (`Q1…`) → patterns of folders. */
export function readTriggers(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const triggers = new Map<string, readonly string[]>();
  for (const line of Buffer.from(bytes).toString('utf8').split('\n')) {
    const [identity = '', ...patterns] = line.split(' ').filter(Boolean);
    if (identity !== '' && patterns.length > 0) triggers.set(identity, patterns);
  }
  return triggers;
}

export const writeTriggers = (triggers: Iterable<readonly [identity: string, patterns: readonly string[]]>): Buffer =>
  Buffer.from([...triggers].map(([identity, patterns]) => `${[identity, ...patterns].join(' ')}\n`).join(''));
