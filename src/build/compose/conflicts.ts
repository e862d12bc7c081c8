import { parseRelations } from '../../distro/index.ts';
import { composeError } from './errors.ts';
import { controlOf } from './package-order.ts';
import type { PackageRecord } from './package-record.ts';

/** A path that several packages bring: whose file the image gets. */
export interface Winner {
  readonly path: string;
  readonly package: PackageRecord;
}

/** A folder whose mode or owner depends on which layer comes last, and what they must be. */
export interface FolderRule {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface Overlaps {
  readonly winners: readonly Winner[];
  readonly folders: readonly FolderRule[];
}

/**
 * What dpkg decides while it unpacks one package after another, decided at once: a file of two packages belongs to
 * the one that Replaces the other, a folder keeps the mode and owner of the package that was unpacked first.
 *
 * @param records in dependency order
 * @throws COMPOSE_FILE_CONFLICT
 */
export function findOverlaps(records: readonly PackageRecord[]): Overlaps {
  const finder = new OverlapFinder();
  for (const record of records) {
    for (const line of record.paths) {
      if (line.startsWith('d ')) finder.folder(line);
      else finder.file(line.slice(2), record);
    }
  }
  return finder.finish();
}

class OverlapFinder {
  readonly #owners = new Map<string, PackageRecord>();
  readonly #winners = new Map<string, Winner>();
  readonly #folders = new Map<string, string>();
  readonly #rules = new Map<string, FolderRule>();

  folder(line: string): void {
    const { path, attributes } = splitFolder(line);
    const first = this.#folders.get(path);
    if (first === undefined) this.#folders.set(path, attributes);
    else if (first !== attributes) this.#rules.set(path, folderRule(path, first));
  }

  file(path: string, record: PackageRecord): void {
    const other = this.#owners.get(path);
    const owner = other === undefined ? record : winner(path, other, record);
    if (other !== undefined) this.#winners.set(path, { path, package: owner });
    this.#owners.set(path, owner);
  }

  finish(): Overlaps {
    for (const path of this.#folders.keys()) {
      const owner = this.#owners.get(path);
      if (owner !== undefined) throw conflict(path, [owner.name, 'another package, as a folder']);
    }
    return { winners: [...this.#winners.values()], folders: [...this.#rules.values()] };
  }
}

function splitFolder(line: string): { path: string; attributes: string } {
  const [, mode = '', uid = '', gid = ''] = line.split(' ', 4);
  const attributes = `${mode} ${uid} ${gid}`;
  return { path: line.slice(attributes.length + 3), attributes };
}

function folderRule(path: string, attributes: string): FolderRule {
  const [mode = '755', uid = '0', gid = '0'] = attributes.split(' ');
  return { path, mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid) };
}

function winner(path: string, a: PackageRecord, b: PackageRecord): PackageRecord {
  if (replaces(b, a)) return b;
  if (replaces(a, b)) return a;
  // Multi-Arch: same packages share files of equal content.
  if (a.name === b.name) return a;
  throw conflict(path, [a.name, b.name]);
}

function replaces(record: PackageRecord, other: PackageRecord): boolean {
  return parseRelations(controlOf(record).get('Replaces') ?? '').some((group) =>
    group.some(({ name }) => name === other.name),
  );
}

function conflict(path: string, names: readonly string[]): Error {
  return composeError('COMPOSE_FILE_CONFLICT', `/${path} comes from ${names.join(' and ')}`, {
    hint: 'dpkg would refuse to install both, or a diversion decides, which compose does not follow; leave one out.',
    details: { path, packages: names },
  });
}
