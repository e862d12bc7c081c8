import {
  type ApkInstalledRecord,
  type ApkOwnedFile,
  ecosystemOf,
  parseDependencies,
  splitPath,
} from '../../../distro/index.ts';

/** What is to become of a file that an installed package has and a new one brings too. */
export type Claim = 'take' | 'leave' | 'conflict';

/** Does `record` say that it replaces files of `other`? Its priority then, else -1. */
function replacesPriority(record: ApkInstalledRecord, other: ApkInstalledRecord): number {
  const { satisfies } = ecosystemOf('apk');
  const isNamed = parseDependencies(record.fields.get('r')).some(
    ({ name, operator, version }) =>
      name === other.name &&
      (operator === undefined || version === undefined || satisfies(other.version, operator, version)),
  );
  return isNamed ? Number(record.fields.get('q') ?? 0) : -1;
}

/** @param leaving names of packages that are upgraded or removed in this run, and have not been yet */
export function claimFile(
  owner: ApkInstalledRecord,
  claimant: ApkInstalledRecord,
  leaving: ReadonlySet<string>,
): Claim {
  if (owner.name === claimant.name || leaving.has(owner.name)) return 'take';
  const [kept, taken] = [replacesPriority(owner, claimant), replacesPriority(claimant, owner)];
  if (kept > taken) return 'leave';
  if (taken >= 0) return 'take';
  const origin = owner.fields.get('o') ?? '';
  return origin !== '' && origin === claimant.fields.get('o') ? 'take' : 'conflict';
}

/** Whose word counts for a folder's mode and owner: the new package's, where it is `take`. */
export function claimFolder(
  owner: ApkInstalledRecord,
  claimant: ApkInstalledRecord,
  leaving: ReadonlySet<string>,
): Exclude<Claim, 'conflict'> {
  if (owner.name === claimant.name || leaving.has(owner.name)) return 'take';
  const priority = (record: ApkInstalledRecord): number => Number(record.fields.get('q') ?? 0);
  if (priority(owner) !== priority(claimant)) return priority(owner) < priority(claimant) ? 'take' : 'leave';
  const origin = owner.fields.get('o') ?? '';
  if (origin !== '' && origin === claimant.fields.get('o')) {
    if (origin === owner.name) return 'leave';
    if (origin === claimant.name) return 'take';
  }
  return owner.name <= claimant.name ? 'leave' : 'take';
}

/** A record without one of its files. */
export function withoutFile(record: ApkInstalledRecord, path: string): ApkInstalledRecord {
  const [folderPath, name] = splitPath(path);
  const folders = record.folders.map((folder) =>
    folder.path === folderPath ? { ...folder, files: folder.files.filter((file) => file.name !== name) } : folder,
  );
  return { ...record, folders };
}

export interface OwnedPath {
  readonly path: string;
  readonly folder: string;
  readonly file: ApkOwnedFile;
}

export function* filesOf({ folders }: ApkInstalledRecord): Generator<OwnedPath> {
  for (const { path: folder, files } of folders) {
    for (const file of files) yield { path: folder === '' ? file.name : `${folder}/${file.name}`, folder, file };
  }
}

/** `uid:gid:mode` of a folder's or file's entry. */
export function aclOf(
  acl: string,
  usual: number,
): { readonly uid: number; readonly gid: number; readonly mode: number } {
  const [uid, gid, mode] = acl.split(':');
  if (uid === undefined || gid === undefined || mode === undefined) return { uid: 0, gid: 0, mode: usual };
  return { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) };
}

/** Which of SHA-1 and SHA-256 a package's file hashes are of: both are kept with 160 bits. */
export const algorithmOf = ({ fields }: ApkInstalledRecord): 'sha1' | 'sha256' =>
  fields.get('f')?.includes('S') === true ? 'sha256' : 'sha1';
