import { createHash } from 'node:crypto';
import type { BufferedTarEntry, TarHeader } from '../../archive/index.ts';
import type { DebArchive } from '../../distro/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { canonicalEntry } from './merged-usr.ts';
import type { PackageRecord } from './package-record.ts';

export const INFO_FOLDER = 'var/lib/dpkg/info';

/** What one package adds to an image, and what the build has to know of it afterwards. */
export interface PackageContent {
  readonly items: readonly LayerItem[];
  readonly record: PackageRecord;
}

/** dpkg's name for a package's files in its database: with the architecture where several may be installed at once. */
export function infoName(name: string, architecture: string, multiArch: string | undefined): string {
  return multiArch === 'same' ? `${name}:${architecture}` : name;
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Paths of a conffiles control file; flags such as remove-on-upgrade name files that are not shipped. */
export function conffilePaths(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/'));
}

/**
 * A package as layer entries: its files at their place in a merged /usr, and its part of dpkg's database as
 * `dpkg --unpack` writes it: every control file but `control`, a `.list` with the paths as the package has them, and
 * `.md5sums` where the package brought none. The same .deb gives the same entries, whatever image they go into.
 */
export async function packageContent(deb: DebArchive, sha256: string): Promise<PackageContent> {
  const field = (name: string): string => deb.controlStanza.get(name) ?? '';
  const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
  const multiArch = deb.controlStanza.get('Multi-Arch');
  const { entries, listed, sums, conffiles, mtime } = await readData(deb);
  const info = infoName(name, architecture, multiArch);
  const files: [string, Buffer, number][] = [...deb.control]
    .filter(([file]) => file !== 'control' && !file.includes('/'))
    .map(([file, content]) => [file, content, (deb.controlModes.get(file) ?? 0) & 0o111 ? 0o755 : 0o644]);
  files.push(['list', Buffer.from(`${listed.join('\n')}\n`, 'utf8'), 0o644]);
  if (sums.length > 0) files.push(['md5sums', Buffer.from(sums.join(''), 'utf8'), 0o644]);
  const common = { uid: 0, gid: 0, mtime };
  const items: LayerItem[] = [...entries.values()].map((entry) =>
    entry.type === 'file' ? { header: entry, content: entry.content } : { header: entry },
  );
  for (const path of ['var', 'var/lib', 'var/lib/dpkg', INFO_FOLDER]) {
    if (!entries.has(path)) items.push({ header: { ...common, path, type: 'directory', mode: 0o755, size: 0 } });
  }
  for (const [file, content, mode] of files) {
    const path = `${INFO_FOLDER}/${info}.${file}`;
    items.push({ header: { ...common, path, type: 'file', mode, size: content.length }, content });
  }
  return {
    items,
    record: {
      ...{ sha256, name, version, architecture, mtime },
      multiArch: multiArch ?? 'no',
      control: deb.controlStanza.toText(),
      conffiles: [...conffiles],
      triggers: deb.control.get('triggers')?.toString('utf8') ?? '',
      scripts: ['config', 'preinst', 'postinst', 'prerm', 'postrm'].filter((script) => deb.control.has(script)),
      paths: [...entries.values()].map(pathRecord),
    },
  };
}

interface PackageData {
  /** By canonical path. */
  readonly entries: ReadonlyMap<string, BufferedTarEntry>;
  /** Lines of the `.list` file. */
  readonly listed: readonly string[];
  /** Lines of the `.md5sums` file; empty where the package brings its own. */
  readonly sums: readonly string[];
  readonly conffiles: ReadonlyMap<string, string>;
  readonly mtime: number;
}

async function readData(deb: DebArchive): Promise<PackageData> {
  const conffiles = new Map<string, string>(
    conffilePaths(deb.control.get('conffiles')?.toString('utf8') ?? '').map((path) => [path, 'newconffile']),
  );
  const hasSums = deb.control.has('md5sums');
  const entries = new Map<string, BufferedTarEntry>();
  const listed: string[] = [];
  const sums: string[] = [];
  let mtime = 0;
  for (const entry of await deb.data()) {
    const path = `/${entry.path}`;
    listed.push(entry.path === '' ? '/.' : path);
    mtime = Math.max(mtime, entry.mtime);
    if (conffiles.has(path) && entry.type === 'file') conffiles.set(path, md5(entry.content));
    else if (!hasSums && entry.type === 'file') sums.push(`${md5(entry.content)}  ${entry.path}\n`);
    const placed = canonicalEntry(entry);
    const isNew = !entries.has(placed.path) || placed.type !== 'directory';
    if (entry.path !== '' && isNew) entries.set(placed.path, placed);
  }
  return { entries, listed, sums, conffiles, mtime };
}

/** One line per path: what conflict and trigger decisions need, in little space. */
function pathRecord(header: TarHeader): string {
  switch (header.type) {
    case 'directory':
      return `d ${header.mode.toString(8)} ${header.uid} ${header.gid} ${header.path}`;
    case 'symlink':
      return `l ${header.path}`;
    default:
      return `f ${header.path}`;
  }
}
