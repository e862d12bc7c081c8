import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createTarWriter } from '../../archive/index.ts';

/** A package as makepkg lays it out, and repository databases as repo-add does. */
export interface ArchSpec {
  readonly name: string;
  readonly version: string;
  readonly arch?: string;
  readonly base?: string;
  readonly depends?: readonly string[];
  readonly provides?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Seconds since the epoch. */
  readonly buildTime?: number;
}

export interface BuiltArch {
  readonly spec: ArchSpec;
  readonly fileName: string;
  readonly bytes: Buffer;
}

const MTIME = 1_700_000_000;

export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    writer.add({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime: MTIME }, bytes);
  }
  writer.finish();
  return Buffer.concat(chunks);
}

export function buildArch(spec: ArchSpec): BuiltArch {
  const arch = spec.arch ?? 'x86_64';
  const info = [
    `pkgname = ${spec.name}`,
    `pkgbase = ${spec.base ?? spec.name}`,
    'xdata = pkgtype=pkg',
    `pkgver = ${spec.version}`,
    `pkgdesc = The package ${spec.name}`,
    'url = https://example.org',
    `builddate = ${spec.buildTime ?? MTIME}`,
    'packager = Somebody <somebody@example.org>',
    'size = 4096',
    `arch = ${arch}`,
    'license = MIT',
    ...(spec.depends ?? []).map((name) => `depend = ${name}`),
    ...(spec.provides ?? []).map((name) => `provides = ${name}`),
    '',
  ].join('\n');
  const bytes = zstdCompressSync(tarOf({ '.PKGINFO': info, ...spec.files }));
  return { spec, fileName: `${spec.name}-${spec.version}-${arch}.pkg.tar.zst`, bytes };
}

const field = (name: string, values: readonly string[]): string =>
  values.length === 0 ? '' : `%${name}%\n${values.join('\n')}\n\n`;

/** The text of a repository database's desc. */
export function descriptionOf({ spec, fileName, bytes }: BuiltArch): string {
  return [
    field('FILENAME', [fileName]),
    field('NAME', [spec.name]),
    field('BASE', [spec.base ?? spec.name]),
    field('VERSION', [spec.version]),
    field('DESC', [`The package ${spec.name}`]),
    field('CSIZE', [String(bytes.length)]),
    field('ISIZE', ['4096']),
    field('SHA256SUM', [createHash('sha256').update(bytes).digest('hex')]),
    field('URL', ['https://example.org']),
    field('LICENSE', ['MIT']),
    field('ARCH', [spec.arch ?? 'x86_64']),
    field('BUILDDATE', [String(spec.buildTime ?? MTIME)]),
    field('PACKAGER', ['Somebody <somebody@example.org>']),
    field('PROVIDES', spec.provides ?? []),
    field('DEPENDS', spec.depends ?? []),
  ].join('');
}

/** A repository database (`core.db`). */
export function buildArchDatabase(
  packages: readonly BuiltArch[],
  compress = gzipSync as (tar: Buffer) => Buffer,
): Buffer {
  const entries = packages.map((one) => [`${one.spec.name}-${one.spec.version}/desc`, descriptionOf(one)] as const);
  return compress(tarOf(Object.fromEntries(entries)));
}
