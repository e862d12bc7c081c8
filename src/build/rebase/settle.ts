import type { TarHeader } from '../../archive/index.ts';
import { type LayerEntry, type LayerItem, whiteoutOf } from '../../oci/index.ts';
import type { BasePair } from './base-pair.ts';
import { type Settlement, threeWay } from './judge-paths.ts';
import { CERTIFICATES_PACKAGE, KEPT_CHOICE, mergeCertificates } from './merge-certificates.ts';
import { mergeFile } from './merge-file.ts';
import { packageOfList } from './merge-lines.ts';
import { isWrittenAnew } from './merge-text.ts';
import type { OwnChanges } from './own-changes.ts';
import { readBaseFiles } from './read-files.ts';
import type { RebaseConflict } from './report.ts';
import type { FileMerge } from './three-sides.ts';
import { fileAt, sameAttributes } from './tree.ts';

/** Bytes that a merged layer may hold; more is not a small layer any more, and building anew is the better way. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface Settled {
  readonly conflicts: readonly RebaseConflict[];
  readonly items: readonly LayerItem[];
  /** Files merged from three sides. */
  readonly merged: readonly string[];
  /** Paths where the new base's word shows again. */
  readonly restored: readonly string[];
  /** Links that follow from merged files: conflicts over them are settled. */
  readonly links: ReadonlySet<string>;
  /** Files that the child brought from elsewhere: its word counts. */
  readonly kept: readonly string[];
}

export interface SettleInput {
  readonly pair: BasePair;
  readonly own: OwnChanges;
  readonly settlements: readonly Settlement[];
  /** Own layers that hold nothing but copied files. */
  readonly copied: ReadonlySet<number>;
  /** Names of packages that the child installed or changed itself. */
  readonly ownPackages: ReadonlySet<string>;
  /** Those that both sides brought to the same version. */
  readonly agreedPackages: ReadonlySet<string>;
  readonly readOwn: (paths: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Content of the files in question, on each side. */
interface Contents {
  readonly old: ReadonlyMap<string, Uint8Array>;
  readonly new: ReadonlyMap<string, Uint8Array>;
  readonly own: ReadonlyMap<string, Uint8Array>;
}

/** Makes the entries of the merged layer, in no order. */
export async function settleAll(input: SettleInput): Promise<Settled> {
  const { pair, settlements } = input;
  const into = {
    conflicts: [],
    items: [],
    merged: [],
    restored: [],
    links: new Set<string>(),
    kept: [],
  } satisfies Settled;
  if (settlements.length === 0) return into;
  const bytes = settlements.reduce((sum, one) => sum + sizeOf(one, pair), 0);
  if (bytes > MAX_BYTES) {
    const reason = `what both sides touch has ${bytes} bytes, more than ${MAX_BYTES} that are merged`;
    return { ...into, conflicts: [{ kind: 'limit', reason }] };
  }
  const gathered: Gathered = into;
  const contents = await readContents(input);
  for (const settlement of settlements) {
    if (settlement.kind === 'merge') settleMerge(settlement.path, input, contents, gathered);
    else {
      gathered.items.push(restoredItem(settlement, pair, contents));
      gathered.restored.push(settlement.path);
    }
  }
  gathered.merged.sort();
  gathered.restored.sort();
  return gathered;
}

interface Gathered {
  readonly conflicts: RebaseConflict[];
  readonly items: LayerItem[];
  readonly merged: string[];
  readonly restored: string[];
  readonly links: Set<string>;
  readonly kept: string[];
}

async function readContents({ pair, settlements, readOwn }: SettleInput): Promise<Contents> {
  const paths = (wanted: (settlement: Settlement) => boolean): readonly string[] =>
    settlements.filter(wanted).map(({ path }) => path);
  const isMerge = ({ kind }: Settlement): boolean => kind === 'merge';
  const isFrom =
    (side: 'base' | 'child') =>
    (one: Settlement): boolean =>
      one.kind === 'attributes' && one.from === side;
  const [old, now, own] = await Promise.all([
    readBaseFiles(pair.oldBase, paths(isMerge)),
    readBaseFiles(
      pair.newBase,
      paths((one) => isMerge(one) || one.kind === 'base' || isFrom('base')(one)),
    ),
    readOwn(paths((one) => isMerge(one) || isFrom('child')(one))),
  ]);
  return { old, new: now, own };
}

function restoredItem(
  settlement: Exclude<Settlement, { kind: 'merge' }>,
  pair: BasePair,
  contents: Contents,
): LayerItem {
  const { path } = settlement;
  if (settlement.kind === 'attributes') {
    const content = (settlement.from === 'base' ? contents.new : contents.own).get(path);
    return itemOf(path, settlement.entry, content);
  }
  const entry = fileAt(pair.newBase.tree.get(path));
  return entry === undefined ? whiteout(path) : itemOf(path, entry, contents.new.get(path));
}

function settleMerge(path: string, input: SettleInput, contents: Contents, into: Gathered): void {
  const { pair, own, ownPackages, copied } = input;
  const theirs = contents.new.get(path) ?? EMPTY;
  const sides = { old: contents.old.get(path) ?? EMPTY, new: theirs, own: contents.own.get(path) ?? EMPTY };
  if (copied.has(own.writes.get(path)?.layer ?? -1)) {
    // Built anew, it would be copied again, whatever the base has: unless a stage took it from the base and edited it.
    if (isWrittenAnew(path, contents.old.get(path), contents.own.get(path))) into.kept.push(path);
    else into.conflicts.push({ kind: 'entry', path, key: "copied whole, and much like the old base's" });
    return;
  }
  const owner = packageOfList(path);
  const upgraded = input.agreedPackages.has(CERTIFICATES_PACKAGE) ? mergeCertificates(path, sides) : undefined;
  const merge: FileMerge =
    owner !== undefined && !ownPackages.has(owner)
      ? // A package the child did not touch: dpkg only dropped vanished folders from its list.
        { kind: 'merged', content: theirs }
      : (upgraded ?? mergeFile(path, sides));
  if (upgraded !== undefined) leaveKeptChoice(input, into);
  if (merge.kind === 'conflict') {
    into.conflicts.push({ kind: 'entry', path, key: merge.key });
    return;
  }
  const content = typeof merge.content === 'string' ? Buffer.from(merge.content) : merge.content;
  into.items.push(itemOf(path, attributesAt(path, pair, own), content));
  into.merged.push(path);
  for (const [link, target] of merge.links ?? []) {
    into.items.push({ header: { ...PLAIN, path: link, type: 'symlink', mode: 0o777, linkName: target } });
    into.links.add(link);
  }
}

/** What the child's upgrade kept of a choice: built anew, nothing would have been upgraded. */
function leaveKeptChoice({ own, pair }: SettleInput, into: Gathered): void {
  const kept = own.writes.get(KEPT_CHOICE)?.entry;
  const origin = kept?.sha256 === undefined ? undefined : pair.replaced.get(kept.sha256);
  if (origin === undefined || `${origin}.dpkg-old` !== KEPT_CHOICE || into.restored.includes(KEPT_CHOICE)) return;
  if (pair.newBase.tree.has(KEPT_CHOICE)) return;
  into.items.push(whiteout(KEPT_CHOICE));
  into.restored.push(KEPT_CHOICE);
}

const EMPTY = new Uint8Array();
const PLAIN = { uid: 0, gid: 0, size: 0, mtime: 0 } as const;

function sizeOf(settlement: Settlement, pair: BasePair): number {
  if (settlement.kind === 'attributes') return settlement.entry.size;
  return fileAt(pair.newBase.tree.get(settlement.path))?.size ?? 0;
}

const whiteout = (path: string): LayerItem => ({
  header: { ...PLAIN, path: whiteoutOf(path), type: 'file', mode: 0o644 },
});

/** Mode and owner of a merged file: who changed them has his way. */
function attributesAt(path: string, pair: BasePair, own: OwnChanges): LayerEntry | undefined {
  const [before, after] = [pair.oldBase, pair.newBase].map(({ tree }) => fileAt(tree.get(path)));
  const mine = own.writes.get(path)?.entry;
  if (before === undefined || after === undefined || mine === undefined) return after ?? mine;
  return { ...after, ...pick(threeWay(mine, before, after, sameAttributes) ?? after) };
}

const pick = ({ uid, gid, mode }: LayerEntry): Pick<LayerEntry, 'uid' | 'gid' | 'mode'> => ({ uid, gid, mode });

function itemOf(path: string, entry: LayerEntry | undefined, content: Uint8Array | undefined): LayerItem {
  const { type = 'file', mode = 0o644, uid = 0, gid = 0, mtime = 0, linkName, device, xattrs } = entry ?? {};
  const [deviceMajor, deviceMinor] = (device ?? '').split(':').map(Number);
  const header: TarHeader = {
    ...{ path, type, mode, uid, gid },
    size: content?.byteLength ?? 0,
    // The base's own time, so that the same inputs give the same layer on any day.
    mtime,
    ...(linkName === undefined || type === 'file' ? {} : { linkName }),
    ...(device === undefined ? {} : { deviceMajor, deviceMinor }),
    ...(xattrs === undefined
      ? {}
      : { xattrs: new Map(Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value, 'base64')])) }),
  };
  return type === 'file' ? { header, content: content ?? EMPTY } : { header };
}
