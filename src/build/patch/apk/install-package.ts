import {
  type ApkArchive,
  type ApkFile,
  type ApkInstalledRecord,
  ApkRelations,
  isProtectedFolder,
  type RepositoryPackage,
  recordOfPackage,
  splitPath,
} from '../../../distro/index.ts';
import { patchError } from '../errors.ts';
import type { ApkRoot } from './apk-root.ts';
import { type InstallContext, placeFolder, releaseFolders } from './install-folders.ts';
import { withOwners } from './owners.ts';
import { algorithmOf, claimFile, filesOf, withoutFile } from './ownership.ts';

/** apk's name for a configuration file that its owner did not let it replace. */
const NEW = '.apk-new';

/** A package that is ready to be installed. */
export interface OpenedApk {
  readonly archive: ApkArchive;
  /** As its index has it. */
  readonly offer: RepositoryPackage;
  /** What the database will say of it, should its owners' names have the numbers that the package says. */
  readonly record: ApkInstalledRecord;
  readonly files: readonly ApkFile[];
}

export function openedApk(archive: ApkArchive, files: readonly ApkFile[], offer: RepositoryPackage): OpenedApk {
  const texts = offer.relations instanceof ApkRelations ? offer.relations.texts : NO_TEXTS;
  // A package of no size brings nothing: apk does not even unpack it.
  const brought = offer.installedSize === 0 ? [] : files;
  const record = recordOfPackage(archive, brought, { size: offer.size, ...texts });
  return { archive, offer, record, files: brought };
}

const NO_TEXTS = { depends: undefined, provides: undefined };

/**
 * Brings a package's files into a root, and takes those of its older version out that are gone, with apk's treatment of
 * files and folders that several packages have and of what the owner changed in protected folders.
 *
 * @throws PATCH_FAILED two packages have one file, and neither may replace the other's
 */
export function installFiles(opened: OpenedApk, old: ApkInstalledRecord | undefined, context: InstallContext): void {
  const { root, state } = context;
  const named = withOwners(opened.files, root);
  const files = named ?? opened.files;
  let { record } = named === undefined ? opened : openedApk(opened.archive, named, opened.offer);
  const placed = new Set<string>();
  for (const file of files) {
    if (file.path === '') continue;
    if (file.type === 'directory') {
      placeFolder(file, record, context);
      continue;
    }
    const owner = state.records.get(state.owners.get(file.path) ?? '');
    const claim = owner === undefined ? 'take' : claimFile(owner, record, context.leaving);
    if (claim === 'conflict') throw conflict(file.path, record, owner);
    if (claim === 'leave') record = withoutFile(record, file.path);
    else {
      placed.add(root.real(file.path));
      placeFile(file, record, owner, context);
      if (owner !== undefined && owner.name !== record.name)
        state.records.set(owner.name, withoutFile(owner, file.path));
    }
  }
  for (const { path } of record.folders) state.modified.add(path);
  state.set(record);
  if (opened.archive.scripts.size > 0) state.scripts.set(record.identity, opened.archive.scripts);
  if (opened.archive.info.triggers.length > 0) state.triggers.set(record.identity, opened.archive.info.triggers);
  if (old !== undefined) removeFiles(old, placed, context);
}

const conflict = (path: string, record: ApkInstalledRecord, owner: ApkInstalledRecord | undefined): Error =>
  patchError(
    'PATCH_FAILED',
    `${record.name} ${record.version} brings ${path}, which ${owner?.name ?? ''} ${owner?.version ?? ''} has`,
    {
      hint: 'Nothing was written: apk would leave the image broken here. Rebuild it, or leave the package out.',
      details: { path, packages: [record.name, owner?.name ?? ''] },
    },
  );

function placeFile(
  file: ApkFile,
  record: ApkInstalledRecord,
  owner: ApkInstalledRecord | undefined,
  { root, state }: InstallContext,
): void {
  const path = root.real(file.path);
  const linkName = file.type === 'hardlink' ? root.real(file.linkName ?? '') : file.linkName;
  const entry: ApkFile = { ...file, path, ...(linkName === undefined ? {} : { linkName }) };
  const [folder] = splitPath(file.path);
  if (!isProtectedFolder(folder, state.protectedPaths) || !isChanged(path, file.path, owner, root)) root.put(entry);
  else if (isChanged(path, file.path, record, root)) root.put({ ...entry, path: `${path}${NEW}` });
}

/** Is what stands there other than the package has it? What is not there is not changed. */
function isChanged(path: string, asOwned: string, owner: ApkInstalledRecord | undefined, root: ApkRoot): boolean {
  if (root.entry(path) === undefined) return false;
  const [folder, name] = splitPath(asOwned);
  const hash = owner?.folders.find((one) => one.path === folder)?.files.find((file) => file.name === name)?.hash ?? '';
  return owner === undefined || hash === '' || root.hash(path, algorithmOf(owner)) !== hash;
}

/**
 * Takes a package's files out of a root: those that nobody else has by now, and that the owner did not change.
 * @param kept real paths that its newer version has just brought
 */
export function removeFiles(old: ApkInstalledRecord, kept: ReadonlySet<string>, context: InstallContext): void {
  const { root, state } = context;
  for (const { path } of old.folders) state.modified.add(path);
  for (const { path, folder, file } of filesOf(old)) {
    // Taken over: by its newer version, or by another package.
    if (state.owners.has(path)) continue;
    const real = root.real(path);
    const isProtected = isProtectedFolder(folder, state.protectedPaths);
    const isOwners =
      isProtected &&
      root.entry(real) !== undefined &&
      (file.hash === '' || root.hash(real, algorithmOf(old)) !== file.hash);
    if (!isOwners && !kept.has(real)) root.remove(real);
    if (isProtected) root.remove(`${real}${NEW}`);
  }
  releaseFolders(old, context);
}
