import { type BufferedTarEntry, decompressBuffer, detectCompression, readTarBuffer } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';
import { numberOf } from './description.ts';

/** What one package may unpack to. */
const MAX_PACKAGE_BYTES = 8 * 1024 * 1024 * 1024;

/** What a package says of itself (.PKGINFO). */
export interface PacmanInfo {
  readonly name: string;
  readonly base: string;
  readonly version: string;
  readonly architecture: string;
  readonly packager: string;
  readonly url: string;
  readonly licenses: readonly string[];
  /** Seconds since the epoch. */
  readonly buildTime: number;
  /** Bytes. */
  readonly installedSize: number;
  readonly depends: readonly string[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
  readonly replaces: readonly string[];
  /** Configuration files: what an upgrade keeps when it was changed. */
  readonly backup: readonly string[];
}

/** A .pkg.tar.* in memory. */
export interface PacmanArchive {
  readonly info: PacmanInfo;
  /** .INSTALL: one shell script with functions such as post_upgrade. */
  readonly script: Buffer | undefined;
  /** Files of the package in archive order. */
  readonly files: readonly BufferedTarEntry[];
}

function readInfo(text: string): PacmanInfo {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' = ');
    if (at <= 0 || line.startsWith('#')) continue;
    const values = fields.get(line.slice(0, at)) ?? [];
    values.push(line.slice(at + 3).trim());
    fields.set(line.slice(0, at), values);
  }
  const first = (key: string): string => fields.get(key)?.[0] ?? '';
  const all = (key: string): readonly string[] => fields.get(key) ?? [];
  const info: PacmanInfo = {
    name: first('pkgname'),
    base: first('pkgbase') || first('pkgname'),
    version: first('pkgver'),
    architecture: first('arch'),
    packager: first('packager'),
    url: first('url'),
    licenses: all('license'),
    buildTime: numberOf(first('builddate')),
    installedSize: numberOf(first('size')),
    depends: all('depend'),
    provides: all('provides'),
    conflicts: all('conflict'),
    replaces: all('replaces'),
    backup: all('backup'),
  };
  if (info.name === '' || info.version === '') throw new Error('its .PKGINFO has no pkgname or no pkgver');
  return info;
}

/**
 * Opens a package, zst, xz, gz or plain. It carries no hash of its own: the database names its SHA-256, and a detached
 * signature covers it (`verifyDetached`).
 *
 * @param what names the package in errors
 * @throws DISTRO_PACKAGE_INVALID: truncated, damaged, hostile or no package
 * @see https://alpm.archlinux.page/specifications/alpm-package.7.html
 */
export async function openPacmanPackage(bytes: Uint8Array, what = 'the package'): Promise<PacmanArchive> {
  try {
    const tar = await decompressBuffer(bytes, detectCompression(bytes), { maxBytes: MAX_PACKAGE_BYTES });
    const entries = [...readTarBuffer(tar)];
    const own = new Map(
      entries.filter(({ path }) => /^\.[A-Z]+$/.test(path)).map(({ path, content }) => [path, content]),
    );
    const information = own.get('.PKGINFO');
    if (information === undefined) throw new Error('there is no .PKGINFO in it');
    return {
      info: readInfo(information.toString('utf8')),
      script: own.get('.INSTALL'),
      files: entries.filter(({ path }) => path !== '' && !own.has(path)),
    };
  } catch (error) {
    throw distroError('DISTRO_PACKAGE_INVALID', `${what} is not a usable package: ${messageOf(error)}`, {
      cause: error,
      hint: 'The file is damaged or was tampered with: delete it from the cache and fetch it again.',
    });
  }
}
