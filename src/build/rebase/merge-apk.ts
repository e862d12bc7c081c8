import { gunzipSync, gzipSync } from 'node:zlib';
import { createTarWriter, readTarBuffer, type TarHeader } from '../../archive/index.ts';
import { ecosystemOf, type InstalledPackage } from '../../distro/index.ts';
import { brokenRelations } from './relations.ts';
import type { RebaseConflict } from './report.ts';
import type { FileMerge, ThreeSides } from './three-sides.ts';

/** Bytes of all maintainer scripts, unpacked; a large Alpine image has under 1 MB. */
const MAX_SCRIPTS = 64 * 1024 * 1024;

export interface ApkMerge {
  readonly installed: Uint8Array;
  /** Names of packages that the child installed or changed. */
  readonly own: ReadonlySet<string>;
  /** Paths of their files. */
  readonly ownFiles: ReadonlySet<string>;
  readonly removedFiles: ReadonlySet<string>;
  readonly conflicts: readonly RebaseConflict[];
}

/** Records of an installed database, whole, by name: their order is kept. */
function recordsOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (const text of Buffer.from(bytes).toString('latin1').split(/\n\n+/)) {
    const name = /^P:(.*)$/m.exec(text)?.[1];
    if (name !== undefined) records.set(name, text.replace(/^\n+|\n+$/g, ''));
  }
  return records;
}

/** Files (`F:` folder, `R:` name in it) of one record. */
function filesOf(record: string): readonly string[] {
  let folder = '';
  return record.split('\n').flatMap((line) => {
    if (line.startsWith('F:')) folder = line.length === 2 ? '' : `${line.slice(2)}/`;
    return line.startsWith('R:') ? [folder + line.slice(2)] : [];
  });
}

const versionOf = (record: string | undefined): string => /^V:(.*)$/m.exec(record ?? '')?.[1] ?? 'absent';

function addAll(set: Set<string>, items: readonly string[]): void {
  for (const item of items) set.add(item);
}

/** Three-way merge of apk's installed database (apk(5)), record by record. */
export function mergeApkDatabase({ old, new: now, own }: ThreeSides, path: string): ApkMerge {
  const [before, after, mine] = [recordsOf(old), recordsOf(now), recordsOf(own)];
  const conflicts: RebaseConflict[] = [];
  const merged = new Map<string, string>();
  const changed = new Set<string>();
  const ownFiles = new Set<string>();
  const removedFiles = new Set<string>();
  for (const name of new Set([...after.keys(), ...mine.keys(), ...before.keys()])) {
    const [base, theirs, ours] = [before.get(name), after.get(name), mine.get(name)];
    if (ours === base) {
      if (theirs !== undefined) merged.set(name, theirs);
      continue;
    }
    if (theirs !== base && ours !== theirs) {
      const reason = `old base ${versionOf(base)}, new base ${versionOf(theirs)}, child ${versionOf(ours)}`;
      conflicts.push({ kind: 'package', package: name, reason });
      continue;
    }
    changed.add(name);
    if (ours !== undefined) merged.set(name, ours);
    addAll(ours === undefined ? removedFiles : ownFiles, filesOf(ours ?? base ?? ''));
  }
  const names = [...merged.keys()];
  const isSorted = [...after.keys()].every((name, at, all) => at === 0 || (all[at - 1] as string) <= name);
  if (isSorted) names.sort();
  const installed = Buffer.from(names.map((name) => `${merged.get(name)}\n\n`).join(''), 'latin1');
  return {
    installed,
    own: changed,
    ownFiles,
    removedFiles,
    conflicts: [...conflicts, ...brokenDependencies(installed, now, path)],
  };
}

function brokenDependencies(merged: Uint8Array, base: Uint8Array, path: string): readonly RebaseConflict[] {
  const apk = ecosystemOf('apk');
  const packages = (bytes: Uint8Array): readonly InstalledPackage[] =>
    apk.readDatabase(new Map([[path, bytes]])).packages;
  return brokenRelations(packages(merged), packages(base), apk.satisfies);
}

/** Maintainer scripts of apk (scripts.tar, gzip in apk 3), entry by entry; the name of each holds its package's hash. */
export function mergeApkScripts(sides: ThreeSides): FileMerge {
  const isGzip = sides.new[0] === 0x1f && sides.new[1] === 0x8b;
  const [before, after, own] = [sides.old, sides.new, sides.own].map(scriptsOf) as [Scripts, Scripts, Scripts];
  const chunks: Uint8Array[] = [];
  const tar = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const name of new Set([...after.keys(), ...own.keys()])) {
    const [old, theirs, ours] = [before.get(name), after.get(name), own.get(name)];
    const weChanged = !same(ours, old);
    if (weChanged && !same(theirs, old) && !same(ours, theirs)) return { kind: 'conflict', key: name };
    const chosen = weChanged ? ours : theirs;
    if (chosen !== undefined) tar.add(chosen.header, chosen.content);
  }
  tar.finish();
  const content = Buffer.concat(chunks);
  return { kind: 'merged', content: isGzip ? gzipSync(content) : content };
}

type Scripts = ReadonlyMap<string, { readonly header: TarHeader; readonly content: Buffer }>;

function scriptsOf(bytes: Uint8Array): Scripts {
  if (bytes.length === 0) return new Map();
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: MAX_SCRIPTS }) : bytes;
  return new Map(
    [...readTarBuffer(plain)].map(({ content, ...header }) => [header.path, { header, content: Buffer.from(content) }]),
  );
}

const same = (a: { readonly content: Buffer } | undefined, b: { readonly content: Buffer } | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.content.equals(b.content));
