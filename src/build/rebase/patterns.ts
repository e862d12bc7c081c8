import type { LayerEntry } from '../../oci/index.ts';
import type { BasePair } from './base-pair.ts';
import type { OwnEdits } from './judge-paths.ts';
import type { RebaseConflict } from './report.ts';
import { fileAt, nameOf, parentOf, sameAttributes } from './tree.ts';

/** Deletions of one name, wherever they are, that look like a search. */
const ALIKE = 2;
const SETUID = 0o6000;
/** Paths named in a report; one would be enough to refuse. */
const MAX_TOLD = 100;

/** Name up to its first digit, dot or plus: what versions of one file share. */
const stemOf = (name: string): string => /^[^\d.+]*/.exec(name)?.[0] ?? '';
const extensionOf = (name: string): string => /\.[a-z]+$/i.exec(name)?.[0] ?? '';

/**
 * Where the child removed or re-owned files of its base by a pattern (`rm -rf doc/*`, `chown -R`, `find … -delete`),
 * built on the new base it would do so to that base's new files as well. A layer does not say what the pattern was:
 * where a new file could have met it, the rebase is refused.
 *
 * @param removedPackages what packages own that the child removed: dpkg deletes by name, never by pattern
 */
export function judgePatterns(
  edits: OwnEdits,
  pair: BasePair,
  removedPackages: ReadonlySet<string>,
  writesOf: (path: string) => LayerEntry | undefined,
): readonly RebaseConflict[] {
  const conflicts: RebaseConflict[] = [];
  const refuse = (path: string, what: string): void => {
    // What the child has there itself is judged by itself.
    if (conflicts.length < MAX_TOLD && writesOf(path) === undefined)
      conflicts.push({ kind: 'pattern', path, reason: what });
  };
  const deleted = edits.deleted.filter((path) => !removedPackages.has(path));
  if (deleted.length < edits.deleted.length) {
    // dpkg removed a folder that it found empty; with the new base's files in it, it would have stayed.
    for (const path of edits.addedBelow)
      refuse(path, 'the new base adds it to a folder that went with a removed package');
  }
  judgeDeletions(deleted, pair, refuse);
  const stripped = new Set(
    edits.attributes.filter((path) => isStripped(fileAt(pair.oldBase.tree.get(path)), writesOf(path))),
  );
  judgeAttributes(
    edits.attributes.filter((path) => !stripped.has(path)),
    pair,
    refuse,
  );
  if (stripped.size > 0) judgeSetuid(pair, refuse);
  return conflicts;
}

type Refuse = (path: string, what: string) => void;

function judgeDeletions(deleted: readonly string[], pair: BasePair, refuse: Refuse): void {
  if (deleted.length === 0) return;
  const gone = new Set(deleted);
  const byFolder = Map.groupBy(
    deleted.filter((path) => !gone.has(parentOf(path))),
    parentOf,
  );
  for (const [folder, paths] of byFolder) {
    const names = paths.map(nameOf);
    const stems = new Set(names.map(stemOf));
    const extensions = new Set(names.map(extensionOf).filter((one) => one !== ''));
    for (const name of pair.added.get(folder) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (names.length >= ALIKE || stems.has(stemOf(name)) || extensions.has(extensionOf(name))) {
        refuse(path, 'the child removes files beside it, and the new base adds it');
      }
    }
  }
  const counts = new Map<string, number>();
  for (const name of deleted.map(nameOf)) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const path of pair.allAdded) {
    if ((counts.get(nameOf(path)) ?? 0) >= ALIKE && !gone.has(path)) {
      refuse(path, 'the child removes files of this name, and the new base adds it');
    }
  }
}

function judgeAttributes(edited: readonly string[], pair: BasePair, refuse: Refuse): void {
  const folders = new Set(edited.map(parentOf));
  for (const folder of folders) {
    for (const name of pair.added.get(folder) ?? []) {
      refuse(`${folder}/${name}`, 'the child changes owner or mode of files beside it, and the new base adds it');
    }
  }
  if (pair.allAdded.length === 0) return;
  const within = new Set(edited.filter((path) => fileAt(pair.oldBase.tree.get(path))?.type === 'directory'));
  if (within.size === 0) return;
  for (const path of pair.allAdded) {
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
      if (!within.has(folder)) continue;
      refuse(path, 'the child changes owner or mode of a folder above it, and the new base adds it');
      break;
    }
  }
}

/** Nothing but set-user-id and set-group-id bits were taken away. */
const isStripped = (before: LayerEntry | undefined, now: LayerEntry | undefined): boolean =>
  before !== undefined &&
  now !== undefined &&
  (before.mode & SETUID) !== 0 &&
  sameAttributes({ ...before, mode: before.mode & ~SETUID }, { ...now, mode: now.mode });

/** `find / -perm /6000 -exec chmod a-s` on the new base would find its new programs too. */
function judgeSetuid(pair: BasePair, refuse: Refuse): void {
  for (const path of pair.changed.keys()) {
    const after = fileAt(pair.newBase.tree.get(path));
    if (after?.type !== 'file' || (after.mode & SETUID) === 0) continue;
    const before = fileAt(pair.oldBase.tree.get(path));
    if (before === undefined || (after.mode & SETUID & ~before.mode) !== 0) {
      refuse(path, 'the child takes set-user-id bits away, and the new base sets them here');
    }
  }
}
