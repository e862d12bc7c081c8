import type { BasePair } from './base-pair.ts';
import { isByProduct, isDatabase } from './by-products.ts';
import type { OwnChanges } from './own-changes.ts';
import type { RebaseConflict } from './report.ts';

/** Bytes of a file that may be a list or a note of what the base was; larger ones are programs and data. */
const MAX_NOTE = 256 * 1024;
/** Files that are looked into; a child with more of them has unpacked something, not noted it. */
const MAX_NOTES = 2000;
/** A version with a revision of the distribution's is found in no other context; `2.6.1` could be anything's. */
const TELLING = /^(?=.{5}).*[-~+]/;
/** Kept by tools of the distribution, and judged by themselves. */
const KEPT_BY_TOOLS =
  /^(?:var\/lib\/(?:dpkg|apt|systemd|ucf)\/|etc\/(?:alternatives|systemd|rc\d\.d)\/|etc\/ld\.so\.cache$)|\.pyc$/;

/**
 * Notes that the child's commands took of the base (`dpkg-query -W > packages.txt`, `sha256sum /usr/bin/x > sums`): files
 * that name a version which the new base replaces, or hold the SHA-256 of a file that it changes.
 */
export async function checkToldVersions(
  own: OwnChanges,
  pair: BasePair,
  copied: ReadonlySet<number>,
  isPackaged: (path: string) => boolean,
  readOwn: (paths: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>,
): Promise<readonly RebaseConflict[]> {
  const versions = pair.packages.flatMap(({ package: name, from }) =>
    from !== undefined && TELLING.test(from) ? [{ name, version: from }] : [],
  );
  if (versions.length === 0 && pair.replaced.size === 0) return [];
  const notes: string[] = [];
  for (const [path, { entry, layer }] of own.writes) {
    const isNote = entry.type === 'file' && entry.size >= 5 && entry.size <= MAX_NOTE && !copied.has(layer);
    if (!isNote || isPackaged(path) || isByProduct(path) || isDatabase(path) || KEPT_BY_TOOLS.test(path)) continue;
    notes.push(path);
    if (notes.length > MAX_NOTES) return [];
  }
  if (notes.length === 0) return [];
  const conflicts: RebaseConflict[] = [];
  for (const [path, bytes] of await readOwn(notes)) {
    const text = Buffer.from(bytes).toString('latin1');
    const told = versions.find(({ version }) => text.includes(version));
    const sum = told === undefined ? text.match(/\b[0-9a-f]{64}\b/g)?.find((hex) => pair.replaced.has(hex)) : undefined;
    if (told !== undefined) {
      const reason = `it names ${told.name} ${told.version}, which the new base replaces`;
      conflicts.push({ kind: 'derived', path, from: 'var/lib/dpkg/status', reason });
    } else if (sum !== undefined) {
      const reason = 'it holds the SHA-256 of a file that the new base changes';
      conflicts.push({ kind: 'derived', path, from: pair.replaced.get(sum) ?? '', reason });
    }
  }
  return conflicts;
}
