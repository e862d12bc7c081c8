import { distroError } from '../errors.ts';
import { ApkRelations } from './dependencies.ts';
import { MAX_RECORDS, numberOf, recordText } from './records.ts';

/** A file of an installed package, as its database entry has it. */
export interface ApkOwnedFile {
  /** Name in its folder. */
  readonly name: string;
  /** `uid:gid:mode[:hash of xattrs]`; '' for root's and 0644. */
  readonly acl: string;
  /** `Q1…`, '' where none is kept (folders, devices). */
  readonly hash: string;
}

export interface ApkOwnedFolder {
  /** Below the root, '' for the root itself. */
  readonly path: string;
  /** '' for root's and 0755. */
  readonly acl: string;
  readonly files: readonly ApkOwnedFile[];
}

/** One package of lib/apk/db/installed, whole: what must be written back. */
export interface ApkInstalledRecord {
  readonly name: string;
  readonly version: string;
  /** `Q1…` of the package's control part: its identity in scripts.tar and triggers. */
  readonly identity: string;
  /** Letter → value, files aside, in the order in which they are written. */
  readonly fields: ReadonlyMap<string, string>;
  readonly folders: readonly ApkOwnedFolder[];
}

export const relationsOf = ({ fields }: Pick<ApkInstalledRecord, 'fields'>): ApkRelations =>
  new ApkRelations(
    { depends: fields.get('D'), provides: fields.get('p'), installIf: fields.get('i') },
    numberOf(fields.get('k')),
  );

interface Draft {
  readonly fields: Map<string, string>;
  readonly folders: { path: string; acl: string; files: { name: string; acl: string; hash: string }[] }[];
}

/**
 * Records of an installed database (v2) with their files.
 * @throws DISTRO_CONTROL_LIMIT, DISTRO_CONTROL_INVALID: it cannot be written back without loss
 */
export function readInstalledRecords(bytes: Uint8Array, what = 'the package database'): readonly ApkInstalledRecord[] {
  const records: ApkInstalledRecord[] = [];
  let draft: Draft = { fields: new Map(), folders: [] };
  const finish = (): void => {
    const { fields, folders } = draft;
    if (fields.size === 0) return;
    const [name, version] = [fields.get('P') ?? '', fields.get('V') ?? ''];
    if (name === '' || version === '') throw broken(what, 'a package has no name or no version');
    records.push({ name, version, identity: fields.get('C') ?? '', fields, folders });
    if (records.length > MAX_RECORDS) {
      throw distroError('DISTRO_CONTROL_LIMIT', `${what} has over ${MAX_RECORDS} packages`);
    }
    draft = { fields: new Map(), folders: [] };
  };
  for (const line of recordText(bytes, what).split('\n')) {
    if (line === '') finish();
    else if (line[1] !== ':') throw broken(what, `${JSON.stringify(line.slice(0, 80))} is no field`);
    else takeField(draft, line[0] as string, line.slice(2), what);
  }
  finish();
  return records;
}

function takeField({ fields, folders }: Draft, letter: string, value: string, what: string): void {
  const folder = folders.at(-1);
  const file = folder?.files.at(-1);
  switch (letter) {
    case 'F':
      folders.push({ path: value, acl: '', files: [] });
      return;
    case 'M':
      if (folder !== undefined) folder.acl = value;
      return;
    case 'R':
      if (folder === undefined) throw broken(what, `${value} lies in no folder`);
      folder.files.push({ name: value, acl: '', hash: '' });
      return;
    case 'a':
      if (file !== undefined) file.acl = value;
      return;
    case 'Z':
      if (file !== undefined) file.hash = value;
      return;
    default:
      fields.set(letter, value);
  }
}

const broken = (what: string, why: string): Error =>
  distroError('DISTRO_CONTROL_INVALID', `${what} cannot be written anew: ${why}`, {
    hint: 'The image is damaged, or an apk newer than heraklit knows made it.',
  });

/** The text of such a database. */
export function writeInstalledRecords(records: readonly ApkInstalledRecord[]): Buffer {
  const lines: string[] = [];
  for (const { fields, folders } of records) {
    for (const [letter, value] of fields) lines.push(`${letter}:${value}`);
    for (const { path, acl, files } of folders) {
      lines.push(`F:${path}`);
      if (acl !== '') lines.push(`M:${acl}`);
      for (const file of files) {
        lines.push(`R:${file.name}`);
        if (file.acl !== '') lines.push(`a:${file.acl}`);
        if (file.hash !== '') lines.push(`Z:${file.hash}`);
      }
    }
    lines.push('');
  }
  return Buffer.from(lines.length === 0 ? '' : `${lines.join('\n')}\n`);
}

/** apk's order of packages: by name, capitals as small letters. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  if (left !== right) return left < right ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
