import {
  type ApkInstalledRecord,
  type ApkScripts,
  compareNames,
  type OwnedScripts,
  type ProtectedPath,
  writeInstalledRecords,
  writeScripts,
  writeTriggers,
} from '../../../distro/index.ts';
import { filesOf } from './ownership.ts';

/** What apk knows of a root, while it is changed. */
export class ApkState {
  /** By name, in the order of the database. */
  readonly records: Map<string, ApkInstalledRecord>;
  /** Identity (`Q1…`) → scripts. */
  readonly scripts: Map<string, ApkScripts>;
  /** Identity → patterns of folders. */
  readonly triggers: Map<string, readonly string[]>;
  readonly protectedPaths: readonly ProtectedPath[];
  /** Path → name of the package that has it. */
  readonly owners = new Map<string, string>();
  /** Folder → names of the packages that have it. */
  readonly #folders = new Map<string, Set<string>>();
  /** Folder → the package whose mode and owner it has; filled as they are asked for. */
  readonly folderHolders = new Map<string, ApkInstalledRecord>();
  /**
   * Folders that apk has looked at in this run, and whether they were as their package wants them: it changes a mode
   * only of those that were, and not the first time it comes by (apk-tools 3.0.6).
   */
  readonly prepared = new Map<string, boolean>();
  /** Folders in which something changed. */
  readonly modified = new Set<string>();
  /** apk 3 keeps packages sorted, apk 2 in the order in which they came. */
  readonly #isSorted: boolean;

  constructor(
    records: readonly ApkInstalledRecord[],
    scripts: ReadonlyMap<string, ApkScripts>,
    triggers: ReadonlyMap<string, readonly string[]>,
    protectedPaths: readonly ProtectedPath[],
  ) {
    this.records = new Map(records.map((record) => [record.name, record]));
    this.scripts = new Map(scripts);
    this.triggers = new Map(triggers);
    this.protectedPaths = protectedPaths;
    this.#isSorted = records.every(({ name }, at) => at === 0 || compareNames(records[at - 1]?.name ?? '', name) <= 0);
    for (const record of records) this.#enter(record);
  }

  /** Adds a package, or sets it in place of its older version. */
  set(record: ApkInstalledRecord): void {
    const old = this.records.get(record.name);
    if (old !== undefined) this.forget(old);
    this.records.set(record.name, record);
    this.#enter(record);
  }

  /** Takes a package out. */
  forget(record: ApkInstalledRecord): void {
    this.records.delete(record.name);
    this.scripts.delete(record.identity);
    this.triggers.delete(record.identity);
    for (const { path } of filesOf(record)) if (this.owners.get(path) === record.name) this.owners.delete(path);
    for (const { path } of record.folders) this.#folders.get(path)?.delete(record.name);
  }

  /** Packages that have a folder. */
  folderOwners(path: string): readonly ApkInstalledRecord[] {
    return [...(this.#folders.get(path) ?? [])].flatMap((name) => this.records.get(name) ?? []);
  }

  /** Every folder that a package has or had. */
  folders(): readonly string[] {
    return [...this.#folders.keys()];
  }

  #enter(record: ApkInstalledRecord): void {
    for (const { path } of filesOf(record)) this.owners.set(path, record.name);
    for (const { path } of record.folders) {
      const known = this.#folders.get(path);
      if (known === undefined) this.#folders.set(path, new Set([record.name]));
      else known.add(record.name);
    }
  }

  #inOrder(): readonly ApkInstalledRecord[] {
    const all = [...this.records.values()];
    return this.#isSorted ? all.sort((a, b) => compareNames(a.name, b.name)) : all;
  }

  database(): Buffer {
    return writeInstalledRecords(this.#inOrder());
  }

  scriptsArchive(compression: 'none' | 'gzip'): Buffer {
    const owned = this.#inOrder().flatMap((owner): readonly OwnedScripts[] => {
      const scripts = this.scripts.get(owner.identity);
      return scripts === undefined ? [] : [{ owner, scripts, mtime: Number(owner.fields.get('t') ?? 0) }];
    });
    return writeScripts(owned, compression);
  }

  triggersFile(): Buffer {
    return writeTriggers(
      this.#inOrder().flatMap(({ identity }) => {
        const patterns = this.triggers.get(identity);
        return patterns === undefined ? [] : [[identity, patterns] as const];
      }),
    );
  }
}
