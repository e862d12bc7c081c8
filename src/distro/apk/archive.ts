import { createHash } from 'node:crypto';
import { decompressBuffer } from '../../archive/index.ts';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';
import { ADB_SCHEMA, isAdb, readAdb } from './adb-file.ts';
import { type ApkFile, adbFiles } from './adb-files.ts';
import { infoReader } from './adb-package.ts';
import { firstMember } from './gzip-members.ts';
import { type ApkKeyring, verifyAdbSignature, verifySignature } from './keyring.ts';
import { ownerNames } from './owner-names.ts';
import { numberOf } from './records.ts';
import { splitSignatures, tarEntries } from './signed-archive.ts';

/** What one package may unpack to. */
const MAX_DATA_BYTES = 8 * 1024 * 1024 * 1024;
/** The control part: .PKGINFO and scripts. */
const MAX_CONTROL_BYTES = 64 * 1024 * 1024;

/** What a package says of itself. */
export interface ApkInfo {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly origin: string;
  readonly license: string;
  readonly maintainer: string;
  readonly url: string;
  /** Seconds since the epoch. */
  readonly buildTime: number;
  /** Bytes. */
  readonly installedSize: number;
  /** In the words of an index: `musl so:libssl.so.3`. */
  readonly depends: string;
  readonly provides: string;
  readonly installIf: string;
  readonly providerPriority: number;
  /** Packages whose files it may take over, in the same words. */
  readonly replaces: string;
  readonly replacesPriority: number;
  /** Patterns of folders: its trigger runs when something in one of them changes. */
  readonly triggers: readonly string[];
  readonly description: string;
  /** Of the repository that it was built from. */
  readonly commit: string;
}

/** A .apk in memory. */
export interface ApkArchive {
  readonly format: 'v2' | 'v3';
  readonly info: ApkInfo;
  /** What an index calls it: SHA-1 of the control part (v2), SHA-256 of the values (v3); hexadecimal. */
  readonly identity: string;
  /** Name of the key that signed; '' where none was asked for. */
  readonly signedBy: string;
  /** By kind: `pre-install`, `post-upgrade`, `trigger`, … */
  readonly scripts: ReadonlyMap<string, Buffer>;
  /** Files in archive order, verified against the hash that the checked part has of them. */
  files(): Promise<Iterable<ApkFile>>;
}

export interface OpenApkOptions {
  /** Names the package in messages. */
  readonly what?: string;
  /** What a verified index says it is: vouches for it as a signature does. */
  readonly identity?: string;
  /** Whose signature it must carry. */
  readonly keyring?: ApkKeyring;
}

const SCRIPTS = [
  'trigger',
  'pre-install',
  'post-install',
  'pre-deinstall',
  'post-deinstall',
  'pre-upgrade',
  'post-upgrade',
];

function invalid(what: string, error: unknown): Error {
  if (isHeraklitError(error, 'DISTRO_PACKAGE_INVALID', 'DISTRO_INDEX_UNSIGNED')) return error;
  return distroError('DISTRO_PACKAGE_INVALID', `${what} is not a usable package: ${messageOf(error)}`, {
    cause: error,
    hint: 'The file is damaged or was tampered with: delete it from the cache and fetch it again.',
  });
}

function checkIdentity(found: string, wanted: string | undefined): void {
  // An index may name only the first 160 bits of a SHA-256.
  if (wanted === undefined || (wanted.length >= 40 && found.startsWith(wanted))) return;
  throw new Error(`it is another one (${found}) than the index says (${wanted})`);
}

/** `key = value` lines; a key may stand many times. */
function readPackageInfo(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' = ');
    if (at <= 0 || line.startsWith('#')) continue;
    const key = line.slice(0, at);
    const values = fields.get(key) ?? [];
    values.push(line.slice(at + 3).trim());
    fields.set(key, values);
  }
  return fields;
}

function infoOf(fields: ReadonlyMap<string, readonly string[]>): ApkInfo {
  const first = (key: string): string => fields.get(key)?.[0] ?? '';
  const info = {
    name: first('pkgname'),
    version: first('pkgver'),
    architecture: first('arch'),
    origin: first('origin'),
    license: first('license'),
    maintainer: first('maintainer'),
    url: first('url'),
    buildTime: numberOf(first('builddate')),
    installedSize: numberOf(first('size')),
    depends: (fields.get('depend') ?? []).join(' '),
    provides: (fields.get('provides') ?? []).join(' '),
    installIf: (fields.get('install_if') ?? []).join(' '),
    providerPriority: numberOf(first('provider_priority')),
    replaces: (fields.get('replaces') ?? []).join(' '),
    replacesPriority: numberOf(first('replaces_priority')),
    triggers: (fields.get('triggers') ?? []).join(' ').split(' ').filter(Boolean),
    description: first('pkgdesc'),
    commit: first('commit'),
  };
  if (info.name === '' || info.version === '') throw new Error('its .PKGINFO has no pkgname or no pkgver');
  return info;
}

function openV2(bytes: Uint8Array, what: string, { keyring, identity }: OpenApkOptions): ApkArchive {
  const { signatures, rest } = splitSignatures(bytes);
  const control = firstMember(rest, MAX_CONTROL_BYTES);
  const data = rest.subarray(control.raw.length);
  const files = new Map([...tarEntries(control.content)].map((entry) => [entry.path, entry.content]));
  const information = files.get('.PKGINFO');
  if (information === undefined) throw new Error('its control part has no .PKGINFO');
  const fields = readPackageInfo(information.toString('utf8'));
  const dataHash = fields.get('datahash')?.[0];
  // Without a hash of the data in it, a signature of the control part would say nothing about the files.
  if (dataHash === undefined) throw new Error('its .PKGINFO has no datahash');
  const found = createHash('sha1').update(control.raw).digest('hex');
  const signedBy = keyring === undefined ? '' : verifySignature(control.raw, signatures, keyring, what);
  checkIdentity(found, identity);
  const scripts = SCRIPTS.flatMap((kind) => {
    const content = files.get(`.${kind}`);
    return content === undefined ? [] : [[kind, content] as const];
  });
  return {
    format: 'v2',
    info: infoOf(fields),
    identity: found,
    signedBy,
    scripts: new Map(scripts),
    files: async () => {
      try {
        const hash = createHash('sha256').update(data).digest('hex');
        if (hash !== dataHash) throw new Error('its files are others than its .PKGINFO says');
        const tar = await decompressBuffer(data, 'gzip', { maxBytes: MAX_DATA_BYTES });
        const names = ownerNames(tar);
        const entries = [...tarEntries(tar)].map((entry, at): ApkFile => ({ ...entry, ...names[at] }));
        // Hidden names at the top are the package manager's.
        return entries.filter(({ path }) => !/^\.[^/]*$/.test(path));
      } catch (error) {
        throw invalid(what, error);
      }
    },
  };
}

const PACKAGE = { info: 1, scripts: 3, triggers: 4, replacesPriority: 5 } as const;

function openV3(bytes: Uint8Array, what: string, { keyring, identity }: OpenApkOptions): ApkArchive {
  const file = readAdb(bytes, ADB_SCHEMA.package, what, MAX_DATA_BYTES);
  const { values } = file;
  const found = createHash('sha256').update(file.payload).digest('hex');
  const signedBy = keyring === undefined ? '' : verifyAdbSignature(file, keyring, what);
  checkIdentity(found, identity);
  const root = values.slots(values.root);
  const info = infoReader(values)(root.get(PACKAGE.info));
  if (info.name === '' || info.version === '') throw new Error('it has no name or no version');
  const slots = values.slots(root.get(PACKAGE.scripts));
  const triggers = [...values.slots(root.get(PACKAGE.triggers)).items()].map((item) => values.text(item));
  const replacesPriority = values.int(root.get(PACKAGE.replacesPriority));
  const scripts = SCRIPTS.flatMap((kind, at) => {
    const content = values.blob(slots.get(at + 1));
    return content === undefined ? [] : [[kind, content] as const];
  });
  return {
    format: 'v3',
    info: { ...info, triggers, replacesPriority },
    identity: found,
    signedBy,
    scripts: new Map(scripts),
    files: async () => {
      try {
        return [...adbFiles(file, what)];
      } catch (error) {
        throw invalid(what, error);
      }
    },
  };
}

/**
 * Opens a package of either format. What is in it is as trustworthy as what vouches for it: a keyring, or the identity
 * that a verified index names.
 *
 * @throws DISTRO_PACKAGE_INVALID: truncated, damaged, hostile, another one, or no .apk; also from what it returns
 * @throws DISTRO_INDEX_UNSIGNED with a keyring
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-v2.5.scd
 */
export function openApk(bytes: Uint8Array, options: OpenApkOptions = {}): ApkArchive {
  const what = options.what ?? 'the package';
  try {
    return isAdb(bytes) ? openV3(bytes, what, options) : openV2(bytes, what, options);
  } catch (error) {
    throw invalid(what, error);
  }
}
