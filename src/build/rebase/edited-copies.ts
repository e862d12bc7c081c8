import { readElf } from '../../elf/index.ts';
import type { LinkedFile } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import type { OwnChanges } from './own-changes.ts';
import { readBaseFiles } from './read-files.ts';
import type { RebaseConflict } from './report.ts';
import { fileAt } from './tree.ts';

/** Bytes by which an edited or stripped program may differ in size from what it was made of. */
const NEAR = 64 * 1024;

/** Programs of the child's that are a base's program, edited: linkers give each build an id of its own, which stays. */
export async function checkEditedCopies(
  own: OwnChanges,
  pair: BasePair,
  linked: readonly LinkedFile[],
  isPackaged: (path: string) => boolean,
  readOwn: (paths: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>,
): Promise<readonly RebaseConflict[]> {
  const programs = linked.filter(
    ({ path, unread }) => unread === undefined && !isPackaged(path) && !pair.changed.has(path),
  );
  if (programs.length === 0) return [];
  const changed = pair.oldBase.facts.flatMap((fact) => fact.linked.filter(({ path }) => pair.changed.has(path)));
  const likely = programs.flatMap((program) =>
    changed
      .filter(({ path, needed }) => {
        const [a, b] = [own.writes.get(program.path)?.entry.size, fileAt(pair.oldBase.tree.get(path))?.size];
        return a !== undefined && b !== undefined && Math.abs(a - b) <= NEAR && needed.join() === program.needed.join();
      })
      .map(({ path }) => [program.path, path] as const),
  );
  if (likely.length === 0) return [];
  const [mine, theirs] = await Promise.all([
    readOwn([...new Set(likely.map(([path]) => path))]),
    readBaseFiles(pair.oldBase, [...new Set(likely.map(([, from]) => from))]),
  ]);
  const conflicts: RebaseConflict[] = [];
  for (const [path, from] of likely) {
    const [id, its] = [mine.get(path), theirs.get(from)].map(buildIdOf);
    if (id === undefined || id !== its) continue;
    conflicts.push({ kind: 'derived', path, from, reason: "it is the old base's program, edited" });
  }
  return conflicts;
}

function buildIdOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes === undefined ? undefined : readElf(bytes).buildId;
  } catch {
    // Damaged: nothing could run it either.
    return undefined;
  }
}
