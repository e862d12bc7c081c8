import type { ApkFile, ApkInstalledRecord } from '../../../distro/index.ts';
import type { ApkRoot, RootEntry } from './apk-root.ts';
import type { ApkState } from './apk-state.ts';
import { aclOf, claimFolder } from './ownership.ts';

export interface InstallContext {
  readonly root: ApkRoot;
  readonly state: ApkState;
  /** Names of packages that are upgraded or removed in this run, and have not been yet. */
  readonly leaving: ReadonlySet<string>;
}

const FOLDER_MODE = 0o755;

type Acl = ReturnType<typeof aclOf>;

const wantedBy = (record: ApkInstalledRecord, path: string): Acl =>
  aclOf(record.folders.find((folder) => folder.path === path)?.acl ?? '', FOLDER_MODE);

const isSame = (a: Acl, b: Acl | RootEntry): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

function holderOf(path: string, { state, leaving }: InstallContext): ApkInstalledRecord | undefined {
  const known = state.folderHolders.get(path);
  if (known !== undefined) return known;
  const found = state
    .folderOwners(path)
    .reduce<ApkInstalledRecord | undefined>(
      (holder, one) => (holder === undefined || claimFolder(holder, one, leaving) === 'take' ? one : holder),
      undefined,
    );
  if (found !== undefined) state.folderHolders.set(path, found);
  return found;
}

const folderEntry = (path: string, acl: Acl): ApkFile => ({
  ...{ path, type: 'directory', size: 0, mtime: 0, content: Buffer.alloc(0) },
  ...acl,
});

/** A package's folder: made where there is none; else its mode and owner follow the package whose word counts. */
export function placeFolder(file: ApkFile, record: ApkInstalledRecord, context: InstallContext): void {
  const { root, state } = context;
  const path = root.real(file.path);
  const holder = holderOf(file.path, context);
  const before = holder === undefined ? undefined : wantedBy(holder, file.path);
  if (holder === undefined || claimFolder(holder, record, context.leaving) === 'take') {
    state.folderHolders.set(file.path, record);
    const isChanged = before !== undefined && !isSame(before, file);
    if (isChanged && state.prepared.get(file.path) === true) root.put({ ...file, path });
  }
  if (state.prepared.has(file.path)) return;
  const there = root.entry(path);
  if (there !== undefined) {
    state.prepared.set(file.path, before !== undefined && isSame(before, there));
    return;
  }
  const now = state.folderHolders.get(file.path);
  root.put({ ...file, ...(now === undefined || now === record ? {} : wantedBy(now, file.path)), path });
  state.prepared.set(file.path, true);
  state.modified.add(file.path);
}

/** Folders of a package that is no longer there: another's word counts, or they go where nothing is in them. */
export function releaseFolders(old: ApkInstalledRecord, context: InstallContext): void {
  const { root, state } = context;
  for (const { path } of old.folders) {
    if (state.folderHolders.get(path)?.identity !== old.identity) continue;
    state.folderHolders.delete(path);
    const holder = holderOf(path, context);
    const real = root.real(path);
    if (holder !== undefined && state.prepared.get(path) === true && root.entry(real)?.type === 'directory') {
      root.put(folderEntry(real, wantedBy(holder, path)));
    }
  }
  const free = old.folders.map(({ path }) => path).filter((path) => path !== '' && !isInUse(path, state));
  // Deepest first: a folder is empty once those in it are gone.
  for (const path of free.sort((a, b) => b.split('/').length - a.split('/').length)) {
    state.prepared.delete(path);
    if (root.real(path) === path) root.removeFolder(path);
  }
}

/** Does a package have the folder, or one in it? */
function isInUse(path: string, state: ApkState): boolean {
  if (state.folderOwners(path).length > 0) return true;
  return state.folders().some((other) => other.startsWith(`${path}/`) && state.folderOwners(other).length > 0);
}
