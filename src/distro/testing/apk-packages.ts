import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { ApkKeyFile } from '../apk/index.ts';

/** Packages and indexes of apk's version 2, byte for byte as abuild lays them out (apk-v2(5)). */
export interface ApkSigner extends ApkKeyFile {
  readonly privateKey: KeyObject;
}

export function apkSigner(name = 'builder@example.org-5f3c0a11.rsa.pub'): ApkSigner {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { name, content: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

/** Text (a program where its path has `bin/`), or what it is in full. */
export type ApkTestFile =
  | string
  | { readonly content: string | Buffer; readonly mode?: number; readonly user?: string; readonly uid?: number }
  | { readonly link: string }
  | { readonly hardlink: string };

export interface ApkSpec {
  readonly name: string;
  readonly version: string;
  readonly arch?: string;
  readonly origin?: string;
  readonly depends?: readonly string[];
  readonly provides?: readonly string[];
  readonly files?: Readonly<Record<string, ApkTestFile>>;
  /** Modes of folders that are not 0755. */
  readonly folders?: Readonly<Record<string, number>>;
  readonly replaces?: readonly string[];
  readonly replacesPriority?: number;
  readonly installIf?: readonly string[];
  readonly providerPriority?: number;
  readonly triggers?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  /** Seconds since the epoch. */
  readonly buildTime?: number;
}

export interface BuiltApk {
  readonly spec: ApkSpec;
  readonly fileName: string;
  readonly bytes: Buffer;
  /** `C:` of an index. */
  readonly identity: string;
}

const MTIME = 1_700_000_000;
const BLOCK = 512;

interface TarFacts {
  readonly path: string;
  readonly type: '0' | '1' | '2' | '5' | 'x';
  readonly mode: number;
  readonly content: Buffer;
  readonly link?: string;
  readonly user?: string;
  readonly uid?: number;
}

/** One ustar entry. */
function tarEntry({ path, type, mode, content, link = '', user = 'root', uid = 0 }: TarFacts): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(path, 0);
  header.write(octal(mode, 8) + octal(uid, 8) + octal(uid, 8) + octal(content.length, 12) + octal(MTIME, 12), 100);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write(link, 157);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(user, 265);
  header.write(user, 297);
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  );
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** apk wants each file's hash before it (abuild-tar). */
function checksumEntry(path: string, content: Buffer | string): Buffer {
  const record = ` APK-TOOLS.checksum.SHA1=${createHash('sha1').update(content).digest('hex')}\n`;
  const length = record.length + String(record.length + 2).length;
  return tarEntry({ path, type: 'x', mode: 0o644, content: Buffer.from(`${length}${record}`) });
}

function fileParts(path: string, file: ApkTestFile): readonly Buffer[] {
  const none = Buffer.alloc(0);
  if (typeof file === 'object' && 'link' in file) {
    const entry = tarEntry({ path, type: '2', mode: 0o777, content: none, link: file.link });
    return [checksumEntry(path, file.link), entry];
  }
  if (typeof file === 'object' && 'hardlink' in file) {
    return [tarEntry({ path, type: '1', mode: 0o755, content: none, link: file.hardlink })];
  }
  const { content, mode, ...owner } = typeof file === 'string' ? { content: file, mode: undefined } : file;
  const bytes = Buffer.from(content as string);
  const usual = path.startsWith('.') || path.includes('bin/') ? 0o755 : 0o644;
  const entry = tarEntry({ path, type: '0', mode: mode ?? usual, content: bytes, ...owner });
  return path.startsWith('.') ? [entry] : [checksumEntry(path, bytes), entry];
}

/** A part of an archive; all but the last come without the zeros that end one. */
function tarPart(
  files: Readonly<Record<string, ApkTestFile | Buffer>>,
  isLast: boolean,
  modes: Readonly<Record<string, number>> = {},
): Buffer {
  // apk wants each folder before what is in it.
  const folders = Object.keys(files).flatMap((path) => {
    const names = path.split('/').slice(0, -1);
    return names.map((_, at) => names.slice(0, at + 1).join('/'));
  });
  const parts = [...new Set([...folders, ...Object.keys(modes)])]
    .sort()
    .map((path) => tarEntry({ path: `${path}/`, type: '5', mode: modes[path] ?? 0o755, content: Buffer.alloc(0) }));
  for (const [path, file] of Object.entries(files)) {
    parts.push(...fileParts(path, Buffer.isBuffer(file) ? { content: file } : file));
  }
  return gzipSync(Buffer.concat(isLast ? [...parts, Buffer.alloc(2 * BLOCK)] : parts));
}

const ALGORITHMS = { RSA: 'sha1', RSA256: 'sha256', RSA512: 'sha512' } as const;

function signature(signed: Buffer, signer: ApkSigner | undefined, scheme: keyof typeof ALGORITHMS): Buffer {
  if (signer === undefined) return Buffer.alloc(0);
  const bytes = sign(ALGORITHMS[scheme], signed, signer.privateKey);
  return tarPart({ [`.SIGN.${scheme}.${signer.name}`]: bytes }, false);
}

/** Bytes; a package of none is not even unpacked. */
function installedBytes({ files = {} }: ApkSpec): number {
  const sizes = Object.values(files).map((file) => {
    if (typeof file === 'string') return Buffer.byteLength(file);
    return 'content' in file ? Buffer.byteLength(file.content) : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0) || 4096;
}

export function buildApk(spec: ApkSpec, signer?: ApkSigner): BuiltApk {
  const data = tarPart(spec.files ?? {}, true, spec.folders);
  const info = [
    '# Generated for a test',
    `pkgname = ${spec.name}`,
    `pkgver = ${spec.version}`,
    `pkgdesc = The package ${spec.name}`,
    'url = https://example.org',
    `builddate = ${spec.buildTime ?? MTIME}`,
    'packager = Somebody <somebody@example.org>',
    'maintainer = Somebody <somebody@example.org>',
    `size = ${installedBytes(spec)}`,
    `arch = ${spec.arch ?? 'x86_64'}`,
    `origin = ${spec.origin ?? spec.name}`,
    'license = MIT',
    ...(spec.depends ?? []).map((name) => `depend = ${name}`),
    ...(spec.provides ?? []).map((name) => `provides = ${name}`),
    ...(spec.replaces ?? []).map((name) => `replaces = ${name}`),
    ...(spec.replacesPriority === undefined ? [] : [`replaces_priority = ${spec.replacesPriority}`]),
    ...(spec.installIf === undefined ? [] : [`install_if = ${spec.installIf.join(' ')}`]),
    ...(spec.providerPriority === undefined ? [] : [`provider_priority = ${spec.providerPriority}`]),
    ...(spec.triggers === undefined ? [] : [`triggers = ${spec.triggers.join(' ')}`]),
    `datahash = ${createHash('sha256').update(data).digest('hex')}`,
    '',
  ].join('\n');
  const scripts = Object.entries(spec.scripts ?? {}).map(([kind, text]) => [`.${kind}`, text] as const);
  const control = tarPart({ '.PKGINFO': info, ...Object.fromEntries(scripts) }, false);
  return {
    spec,
    fileName: `${spec.name}-${spec.version}.apk`,
    bytes: Buffer.concat([signature(control, signer, 'RSA'), control, data]),
    identity: `Q1${createHash('sha1').update(control).digest('base64')}`,
  };
}

/** APKINDEX.tar.gz of these packages. */
export function buildApkIndex(
  packages: readonly BuiltApk[],
  signer?: ApkSigner,
  scheme: keyof typeof ALGORITHMS = 'RSA',
  description = 'v3.22.1-7-gabcdef0',
): Buffer {
  const text = packages.map(({ spec, bytes, identity }) =>
    [
      `C:${identity}`,
      `P:${spec.name}`,
      `V:${spec.version}`,
      `A:${spec.arch ?? 'x86_64'}`,
      `S:${bytes.length}`,
      `I:${installedBytes(spec)}`,
      `T:The package ${spec.name}`,
      'U:https://example.org',
      'L:MIT',
      `o:${spec.origin ?? spec.name}`,
      'm:Somebody <somebody@example.org>',
      `t:${spec.buildTime ?? MTIME}`,
      ...(spec.providerPriority === undefined ? [] : [`k:${spec.providerPriority}`]),
      ...(spec.depends === undefined ? [] : [`D:${spec.depends.join(' ')}`]),
      ...(spec.provides === undefined ? [] : [`p:${spec.provides.join(' ')}`]),
      ...(spec.installIf === undefined ? [] : [`i:${spec.installIf.join(' ')}`]),
      '\n',
    ].join('\n'),
  );
  const index = tarPart({ DESCRIPTION: `${description}\n`, APKINDEX: text.join('') }, true);
  return Buffer.concat([signature(index, signer, scheme), index]);
}
