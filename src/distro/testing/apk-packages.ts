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

export interface ApkSpec {
  readonly name: string;
  readonly version: string;
  readonly arch?: string;
  readonly origin?: string;
  readonly depends?: readonly string[];
  readonly provides?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
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

/** One ustar entry. */
function tarEntry(path: string, type: '0' | '5' | 'x', mode: number, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(path, 0);
  header.write(octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(MTIME, 12), 100);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000root', 257, 'latin1');
  header.write('root', 297);
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
function checksumEntry(path: string, content: Buffer): Buffer {
  const record = ` APK-TOOLS.checksum.SHA1=${createHash('sha1').update(content).digest('hex')}\n`;
  const length = record.length + String(record.length + 2).length;
  return tarEntry(path, 'x', 0o644, Buffer.from(`${length}${record}`));
}

/** A part of an archive; all but the last come without the zeros that end one. */
function tarPart(files: Readonly<Record<string, string | Buffer>>, isLast: boolean): Buffer {
  // apk wants each folder before what is in it.
  const folders = Object.keys(files).flatMap((path) => {
    const names = path.split('/').slice(0, -1);
    return names.map((_, at) => names.slice(0, at + 1).join('/'));
  });
  const parts = [...new Set(folders)].sort().map((path) => tarEntry(`${path}/`, '5', 0o755, Buffer.alloc(0)));
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content as string);
    if (!path.startsWith('.')) parts.push(checksumEntry(path, bytes));
    parts.push(tarEntry(path, '0', path.startsWith('.') || path.includes('bin/') ? 0o755 : 0o644, bytes));
  }
  return gzipSync(Buffer.concat(isLast ? [...parts, Buffer.alloc(2 * BLOCK)] : parts));
}

const ALGORITHMS = { RSA: 'sha1', RSA256: 'sha256', RSA512: 'sha512' } as const;

function signature(signed: Buffer, signer: ApkSigner | undefined, scheme: keyof typeof ALGORITHMS): Buffer {
  if (signer === undefined) return Buffer.alloc(0);
  const bytes = sign(ALGORITHMS[scheme], signed, signer.privateKey);
  return tarPart({ [`.SIGN.${scheme}.${signer.name}`]: bytes }, false);
}

export function buildApk(spec: ApkSpec, signer?: ApkSigner): BuiltApk {
  const data = tarPart(spec.files ?? {}, true);
  const sizes = Object.values(spec.files ?? {}).map((content) => Buffer.byteLength(content));
  const info = [
    '# Generated for a test',
    `pkgname = ${spec.name}`,
    `pkgver = ${spec.version}`,
    `pkgdesc = The package ${spec.name}`,
    'url = https://example.org',
    `builddate = ${spec.buildTime ?? MTIME}`,
    'packager = Somebody <somebody@example.org>',
    `size = ${sizes.reduce((a, b) => a + b, 0)}`,
    `arch = ${spec.arch ?? 'x86_64'}`,
    `origin = ${spec.origin ?? spec.name}`,
    'license = MIT',
    ...(spec.depends ?? []).map((name) => `depend = ${name}`),
    ...(spec.provides ?? []).map((name) => `provides = ${name}`),
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
      'I:4096',
      `T:The package ${spec.name}`,
      'U:https://example.org',
      'L:MIT',
      `o:${spec.origin ?? spec.name}`,
      'm:Somebody <somebody@example.org>',
      `t:${spec.buildTime ?? MTIME}`,
      ...(spec.depends === undefined ? [] : [`D:${spec.depends.join(' ')}`]),
      ...(spec.provides === undefined ? [] : [`p:${spec.provides.join(' ')}`]),
      '\n',
    ].join('\n'),
  );
  const index = tarPart({ DESCRIPTION: `${description}\n`, APKINDEX: text.join('') }, true);
  return Buffer.concat([signature(index, signer, scheme), index]);
}
