import type { LayerEntry } from '../../oci/index.ts';
import type { BasePair } from './base-pair.ts';
import { isByProduct, isDatabase, isRpmDatabase, sourceOfByteCode } from './by-products.ts';
import { isMergeable } from './merge-file.ts';
import type { OwnChanges, OwnWrite } from './own-changes.ts';
import type { BaseChange, RebaseConflict } from './report.ts';
import { fileAt, sameAttributes, sameContent, sameEntry } from './tree.ts';

/** What must stand at a path that both sides touch, where it can be told. */
export type Settlement =
  /** The child only repeats what its old base had: the new base's word counts, be it that the path is gone. */
  | { readonly kind: 'base'; readonly path: string }
  /** One side changed the content, the other owner or mode. */
  | { readonly kind: 'attributes'; readonly path: string; readonly entry: LayerEntry; readonly from: 'base' | 'child' }
  /** Both changed the content of a file whose form is known. */
  | { readonly kind: 'merge'; readonly path: string };

/** What the child does to files of its old base: where it did so by a pattern, the new base's files count too. */
export interface OwnEdits {
  readonly deleted: string[];
  readonly attributes: string[];
  /** New in the new base, below a folder that the child removed. */
  readonly addedBelow: string[];
}

export interface Judgement {
  readonly conflicts: readonly RebaseConflict[];
  /** Paths that both have, where the child's word counts without doubt. */
  readonly overlapping: readonly string[];
  readonly settlements: readonly Settlement[];
  readonly edits: OwnEdits;
  /** The child's own layers write the package database. */
  readonly touchesDatabase: boolean;
}

interface Judging {
  readonly pair: BasePair;
  readonly own: OwnChanges;
  readonly conflicts: RebaseConflict[];
  readonly overlapping: string[];
  readonly settlements: Settlement[];
  readonly edits: OwnEdits;
  touchesDatabase: boolean;
}

/** What the child's own layers write or delete, held against what the base changed. */
export function judgePaths(own: OwnChanges, pair: BasePair): Judgement {
  const judging: Judging = {
    ...{ pair, own, conflicts: [], overlapping: [], settlements: [] },
    edits: { deleted: [], attributes: [], addedBelow: [] },
    touchesDatabase: false,
  };
  for (const [path, write] of own.writes) judgeWrite(path, write, judging);
  for (const path of hiddenPaths(own, pair)) judgeDelete(path, judging);
  const { conflicts, overlapping, settlements, edits, touchesDatabase } = judging;
  return { conflicts, overlapping: overlapping.sort(), settlements, edits, touchesDatabase };
}

/** Paths of either base that the child hides and does not write itself. */
function hiddenPaths(own: OwnChanges, pair: BasePair): ReadonlySet<string> {
  const hidden = new Set<string>();
  const hide = (path: string): void => {
    if (!own.writes.has(path)) hidden.add(path);
  };
  const { tree: before } = pair.oldBase;
  const { tree: after } = pair.newBase;
  const isFolder = (path: string): boolean =>
    before.get(path)?.entry.type === 'directory' || after.get(path)?.entry.type === 'directory';
  for (const [path, what] of own.hides) {
    if (what === 'path' && (before.has(path) || after.has(path))) hide(path);
    if (isFolder(path)) for (const below of pair.below(path)) hide(below);
  }
  for (const [path, { entry }] of own.writes) {
    // A link or file in place of a folder hides all below it.
    if (entry.type !== 'directory' && isFolder(path)) for (const below of pair.below(path)) hide(below);
  }
  return hidden;
}

function judgeWrite(path: string, { entry, linkedTo }: OwnWrite, judging: Judging): void {
  const { pair, conflicts, overlapping, settlements, edits } = judging;
  if (isDatabase(path)) {
    judging.touchesDatabase = true;
    return;
  }
  if (isByProduct(path)) return;
  const before = fileAt(pair.oldBase.tree.get(path));
  const after = fileAt(pair.newBase.tree.get(path));
  if (
    before !== undefined &&
    entry.type !== 'directory' &&
    sameContent(entry, before) &&
    !sameAttributes(entry, before)
  ) {
    edits.attributes.push(path);
  } else if (before?.type === 'directory' && entry.type === 'directory' && !sameAttributes(entry, before)) {
    edits.attributes.push(path);
  }
  const change = pair.changed.get(path);
  if (isStaleByteCode(path, judging)) {
    settlements.push({ kind: 'base', path });
    return;
  }
  if (change === undefined) {
    if (after !== undefined && entry.type !== 'directory') overlapping.push(path);
    return;
  }
  if (sameEntry(entry, after)) return;
  // The folder goes on where the child has something in it: a builder would have made it anew.
  const isPlain = entry.type === 'directory' && entry.mode === 0o755 && entry.uid === 0 && entry.gid === 0;
  if (change === 'removed' && isPlain && hasBelow(path, judging.own)) return;
  const isShared = linkedTo !== undefined || isLinkTarget(path, judging.own);
  const settled = isShared ? undefined : settle(path, entry, before, after);
  if (settled !== undefined) settlements.push(settled);
  else conflicts.push(refusal(path, change));
}

function settle(
  path: string,
  own: LayerEntry,
  before: LayerEntry | undefined,
  after: LayerEntry | undefined,
): Settlement | undefined {
  if (own.type === 'directory' && before === undefined && after?.type === 'directory') return undefined;
  if (sameEntry(own, before)) return { kind: 'base', path };
  if (before === undefined || after === undefined) return undefined;
  const content = threeWay(own, before, after, sameContent);
  const attributes = threeWay(own, before, after, sameAttributes);
  if (attributes === undefined) return undefined;
  if (content === undefined)
    return isMergeable(path) && own.type === 'file' && after.type === 'file' ? { kind: 'merge', path } : undefined;
  const { uid, gid, mode, xattrs } = attributes;
  const merged: LayerEntry = { ...content, uid, gid, mode, ...(xattrs === undefined ? {} : { xattrs }) };
  return { kind: 'attributes', path, entry: merged, from: content === after ? 'base' : 'child' };
}

/** What one side alone changed; the new base's where both are the same. */
export function threeWay<Value>(
  own: Value,
  before: Value,
  after: Value,
  same: (a: Value, b: Value) => boolean,
): Value | undefined {
  if (same(own, before) || same(own, after)) return after;
  return same(after, before) ? own : undefined;
}

/** Byte code that the child made of a source which is the base's and is not what it was: Python would not take it. */
function isStaleByteCode(path: string, { pair, own }: Judging): boolean {
  const source = sourceOfByteCode(path);
  if (source === undefined || own.writes.has(source)) return false;
  const before = pair.oldBase.tree.get(source);
  const after = pair.newBase.tree.get(source);
  if (before === undefined) return false;
  return pair.changed.has(source) || fileAt(before)?.mtime !== fileAt(after)?.mtime;
}

const hasBelow = (path: string, own: OwnChanges): boolean =>
  own.writes.entries().some(([other, { entry }]) => entry.type !== 'directory' && other.startsWith(`${path}/`));

const isLinkTarget = (path: string, own: OwnChanges): boolean =>
  own.writes.values().some(({ linkedTo }) => linkedTo === path);

function judgeDelete(path: string, judging: Judging): void {
  if (isRpmDatabase(path) || isDatabase(path)) {
    judging.touchesDatabase = true;
    return;
  }
  if (isByProduct(path)) return;
  const change = judging.pair.changed.get(path);
  if (change === 'removed') return;
  if (change !== 'added') judging.edits.deleted.push(path);
  else judging.edits.addedBelow.push(path);
}

function refusal(path: string, base: BaseChange): RebaseConflict {
  return isRpmDatabase(path)
    ? { kind: 'database', path, family: 'rpm' }
    : { kind: 'path', path, base, child: 'writes' };
}
