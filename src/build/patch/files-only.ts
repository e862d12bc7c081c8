import { createHash } from 'node:crypto';
import type { TarHeader } from '../../archive/index.ts';
import { replaceStanza, type StatusDatabase, statusStanza, writeStatus } from '../../distro/index.ts';
import type { FlatTree, LayerItem, ResolvedImage } from '../../oci/index.ts';
import { withParents } from '../layers/parents.ts';
import { patchError } from './errors.ts';
import { canonicalPath, fileLevelChanges, type OpenedPackage } from './file-level.ts';
import { openPrepared, type PreparedPackage } from './prepare-packages.ts';
import { readFiles } from './read-files.ts';
import { standInFiles, standIns } from './stand-ins.ts';

const INFO = 'var/lib/dpkg/info';
const STATUS = 'var/lib/dpkg/status';
const STATUS_D = 'var/lib/dpkg/status.d';

/** Scripts a package runs when it is upgraded; an image whose scripts never ran does not need them. */
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];
/** What dpkg and debconf start. */
const PROGRAMS = [...SCRIPTS, 'config'];

export interface FilesOnlyInput {
  readonly image: ResolvedImage;
  readonly tree: FlatTree;
  readonly status: StatusDatabase;
  readonly packages: readonly PreparedPackage[];
  /** Time of what is made anew, seconds since the epoch. */
  readonly epoch: number;
}

/** Upgrades an image without dpkg: files, whiteouts, conffiles and the package database; nothing runs. */
export async function filesOnly(input: FilesOnlyInput): Promise<readonly LayerItem[]> {
  const opened = await Promise.all(input.packages.map(openPackage));
  refuseWhereScriptsRan(input, opened);
  const wanted = filesToRead(input, opened);
  const files = await readFiles(input.image, input.tree, wanted);
  const changes = await fileLevelChanges({
    tree: input.tree,
    status: input.status,
    upgrades: opened,
    installedFiles: (name, architecture) => installedFiles(files, name, architecture),
    read: async (path) => files.get(path),
  });
  return withParents(
    [
      ...changes,
      ...standIns(files, changes, input.epoch),
      ...opened.flatMap((pkg) => databaseItems(pkg, input)),
      ...statusItems(opened, input),
    ],
    input.tree,
  );
}

/**
 * An image in which maintainer scripts ran, but which has no dpkg to run them again (dpkg was removed), may depend on
 * what they do; replacing files alone would be a guess.
 */
function refuseWhereScriptsRan(input: FilesOnlyInput, opened: readonly OpenedPackage[]): void {
  const ran = input.tree.has('etc/ld.so.cache') && input.tree.has(`${INFO}/libc6:amd64.postinst`);
  if (!ran) return;
  const names = opened
    .filter(({ control }) => SCRIPTS.some((script) => control.has(script)))
    .map(({ pkg }) => pkg.name);
  if (names.length === 0) return;
  throw patchError(
    'PATCH_SCRIPTS_NEEDED',
    `the image has no dpkg, but scripts of ${names.slice(0, 5).join(', ')} ran in it`,
    {
      hint: 'Rebuild it from its recipe or Dockerfile.',
    },
  );
}

async function openPackage(prepared: PreparedPackage): Promise<OpenedPackage> {
  const deb = await openPrepared(prepared);
  return { pkg: prepared.pkg, control: deb.control, stanza: deb.controlStanza, data: [...(await deb.data())] };
}

/** Lists of installed files, and configuration files that the upgrade may have to keep. */
function filesToRead(input: FilesOnlyInput, opened: readonly OpenedPackage[]): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const path of input.tree.keys()) {
    if (path.startsWith(`${INFO}/`) && path.endsWith('.list')) wanted.add(path);
    if (path.startsWith(`${STATUS_D}/`)) wanted.add(path);
  }
  for (const { control } of opened) {
    for (const line of lines(control.get('conffiles') ?? new Uint8Array())) {
      if (line.startsWith('/')) wanted.add(canonicalPath(line.slice(1).trim(), input.tree));
    }
  }
  const changed = opened.flatMap(({ data }) => data.map(({ path }) => path));
  for (const path of standInFiles(input.tree, changed)) wanted.add(path);
  return wanted;
}

/** From info/NAME.list, or from the md5sums beside status.d, which is all that distroless images keep. */
function installedFiles(
  files: ReadonlyMap<string, Uint8Array>,
  name: string,
  architecture: string,
): readonly string[] | undefined {
  const list = files.get(`${INFO}/${name}:${architecture}.list`) ?? files.get(`${INFO}/${name}.list`);
  if (list !== undefined)
    return lines(list)
      .map((line) => line.replace(/^\/+/, ''))
      .filter((line) => line !== '' && line !== '.');
  const sums = files.get(`${STATUS_D}/${name}.md5sums`);
  return sums === undefined ? undefined : lines(sums).map((line) => line.slice(34).trim());
}

const lines = (bytes: Uint8Array): readonly string[] =>
  Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

/** info/NAME.* of the new version, where the image keeps such files. */
function databaseItems(opened: OpenedPackage, input: FilesOnlyInput): readonly LayerItem[] {
  const name = `${opened.pkg.name}${opened.pkg.multiArch === 'same' ? `:${opened.pkg.architecture}` : ''}`;
  const sums = opened.control.get('md5sums');
  if (input.tree.has(`${STATUS_D}/${opened.pkg.name}.md5sums`) && sums !== undefined) {
    return [item(`${STATUS_D}/${opened.pkg.name}.md5sums`, sums)];
  }
  if (!input.tree.has(`${INFO}/${name}.list`)) return [];
  const list = ['/.', ...opened.data.map((entry) => `/${entry.path}`).filter((path) => path !== '/')].join('\n');
  const control = [...opened.control].filter(([file]) => file !== 'control');
  return [
    item(`${INFO}/${name}.list`, Buffer.from(`${list}\n`)),
    ...control.map(([file, bytes]) => item(`${INFO}/${name}.${file}`, bytes, PROGRAMS.includes(file) ? 0o755 : 0o644)),
  ];
}

/** The database with the new versions: one file, or one file a package (distroless). */
function statusItems(opened: readonly OpenedPackage[], input: FilesOnlyInput): readonly LayerItem[] {
  const stanzas = opened.map((pkg) => statusStanza(pkg.stanza, { state: 'installed', conffiles: conffileSums(pkg) }));
  if (input.tree.has(STATUS)) {
    let all = input.status.stanzas;
    for (const stanza of stanzas) all = replaceStanza(all, stanza);
    return [item(STATUS, writeStatus(all))];
  }
  // status.d holds the control file itself, without a Status field.
  return opened.map(({ pkg, stanza }) => item(`${STATUS_D}/${pkg.name}`, stanza.toBytes()));
}

function conffileSums(opened: OpenedPackage): readonly (readonly [string, string])[] {
  const byPath = new Map(opened.data.map((entry) => [`/${entry.path}`, entry.content]));
  return lines(opened.control.get('conffiles') ?? new Uint8Array())
    .filter((path) => path.startsWith('/') && byPath.has(path))
    .map(
      (path) =>
        [
          path,
          createHash('md5')
            .update(byPath.get(path) ?? '')
            .digest('hex'),
        ] as const,
    );
}

function item(path: string, content: Uint8Array, mode = 0o644): LayerItem {
  const header: TarHeader = { path, type: 'file', mode, uid: 0, gid: 0, size: content.byteLength, mtime: 0 };
  return { header, content };
}
