import { readStatus } from '../../distro/index.ts';
import { topmostFile } from '../layers/read-facts.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import { mergeApkDatabase } from './merge-apk.ts';
import { mergePackages } from './merge-packages.ts';
import type { OwnChanges } from './own-changes.ts';
import { listedFiles } from './owners.ts';
import { APK_DATABASES, STATUS } from './prepare-base.ts';
import type { RebaseConflict } from './report.ts';

export interface DatabasesMerge {
  readonly conflicts: readonly RebaseConflict[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of packages that the child installed or changed itself. */
  readonly ownPackages: ReadonlySet<string>;
  /** Names of those that both sides brought to the same version. */
  readonly agreedPackages: ReadonlySet<string>;
  readonly ownFiles: ReadonlySet<string>;
  /** Files of packages that the child removed. */
  readonly removedFiles: ReadonlySet<string>;
}

/** Three-way merge of whichever package database the child's own layers write. */
export function mergeDatabases(own: OwnChanges, facts: readonly LayerFacts[], pair: BasePair): DatabasesMerge {
  const merge = {
    conflicts: [] as RebaseConflict[],
    files: new Map<string, Uint8Array>(),
    ownPackages: new Set<string>(),
    agreedPackages: new Set<string>(),
    ownFiles: new Set<string>(),
    removedFiles: new Set<string>(),
  };
  const known = [STATUS, ...APK_DATABASES].filter((path) => pair.oldBase.tree.has(path) || own.writes.has(path));
  for (const path of known) {
    const write = own.writes.get(path);
    const bytes = write === undefined ? undefined : facts[write.layer]?.files.get(path);
    if (write === undefined || bytes === undefined) {
      const reason = 'the child deletes the package database, or puts something else in its place';
      if (own.hides.has(path) || write !== undefined) merge.conflicts.push({ kind: 'package', package: path, reason });
      continue;
    }
    if (path === STATUS) mergeStatus(bytes, facts, pair, merge);
    else mergeApk(path, bytes, pair, merge);
  }
  return merge;
}

type Mutable<Type> =
  Type extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : Type extends ReadonlySet<infer Item>
      ? Set<Item>
      : Type extends readonly (infer Item)[]
        ? Item[]
        : Type;
type Gathered = { readonly [Key in keyof DatabasesMerge]: Mutable<DatabasesMerge[Key]> };

function mergeStatus(bytes: Uint8Array, facts: readonly LayerFacts[], pair: BasePair, into: Gathered): void {
  const child = readStatus(bytes);
  const { stanzas, own, removed, agreed, conflicts } = mergePackages(pair.oldBase.status, pair.newBase.status, child);
  into.conflicts.push(...conflicts);
  for (const name of agreed) into.agreedPackages.add(name);
  into.files.set(STATUS, Buffer.concat(stanzas.flatMap((stanza) => [stanza.toBytes(), Buffer.from('\n')])));
  const listOf = (from: readonly LayerFacts[], name: string, architecture: string): readonly string[] => {
    const paths = [`var/lib/dpkg/info/${name}.list`, `var/lib/dpkg/info/${name}:${architecture}.list`];
    const bytes = paths.map((path) => topmostFile(from, path)).find((one) => one !== undefined);
    return bytes === undefined ? [] : listedFiles(bytes);
  };
  for (const { name, architecture } of own) {
    into.ownPackages.add(name);
    for (const path of listOf(facts, name, architecture)) into.ownFiles.add(path);
    for (const path of infoOf(name, architecture)) into.ownFiles.add(path);
  }
  for (const { name, architecture } of removed) {
    for (const path of listOf(pair.oldBase.facts, name, architecture)) into.removedFiles.add(path);
    for (const path of infoOf(name, architecture)) into.removedFiles.add(path);
  }
}

/** What dpkg keeps of an installed package (deb-src-control(5) and its siblings). */
const INFO = [
  'list',
  'md5sums',
  'conffiles',
  'preinst',
  'postinst',
  'prerm',
  'postrm',
  'config',
  'templates',
  'triggers',
  'shlibs',
  'symbols',
];

const infoOf = (name: string, architecture: string): readonly string[] =>
  [name, `${name}:${architecture}`].flatMap((at) => INFO.map((kind) => `var/lib/dpkg/info/${at}.${kind}`));

function mergeApk(path: string, own: Uint8Array, pair: BasePair, into: Gathered): void {
  const of = (facts: readonly LayerFacts[]): Uint8Array => topmostFile(facts, path) ?? new Uint8Array();
  const merge = mergeApkDatabase({ old: of(pair.oldBase.facts), new: of(pair.newBase.facts), own }, path);
  into.conflicts.push(...merge.conflicts);
  into.files.set(path, merge.installed);
  for (const name of merge.own) into.ownPackages.add(name);
  for (const file of merge.ownFiles) into.ownFiles.add(file);
  for (const file of merge.removedFiles) into.removedFiles.add(file);
}
