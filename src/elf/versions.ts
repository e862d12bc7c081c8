import type { Dynamic } from './dynamic.ts';
import { type ElfView, overLimit } from './view.ts';

export interface SymbolVersion {
  readonly name: string;
  /** False for a version another library defines. */
  readonly isOwn: boolean;
}

/** Version numbers have 15 bits. */
const MAX_VERSIONS = 0x8000;
const VER_FLG_BASE = 1;

/**
 * Version number → name, from the versions a file defines and those it needs (LSB, "Symbol Versioning").
 * The base definition, which is the file's own name, is no version.
 */
export function readVersions(view: ElfView, dynamic: Dynamic): ReadonlyMap<number, SymbolVersion> {
  const versions = new Map<number, SymbolVersion>();
  const name = (offset: number): string => view.text(dynamic.strings.start + offset, dynamic.strings.end);
  const { versionDefinitions, versionNeeds } = dynamic;
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps > MAX_VERSIONS) overLimit(`${steps} symbol versions`, MAX_VERSIONS);
  };
  for (let at = versionDefinitions?.at ?? 0, left = versionDefinitions?.count ?? 0; left > 0; left -= 1) {
    step();
    const flags = view.u16(at + 2);
    if ((flags & VER_FLG_BASE) === 0) {
      versions.set(view.u16(at + 4), { name: name(view.u32(at + view.u32(at + 12))), isOwn: true });
    }
    const next = view.u32(at + 16);
    if (next === 0) break;
    at += next;
  }
  for (let at = versionNeeds?.at ?? 0, left = versionNeeds?.count ?? 0; left > 0; left -= 1) {
    step();
    let auxiliary = at + view.u32(at + 8);
    for (let count = view.u16(at + 2); count > 0; count -= 1) {
      step();
      versions.set(view.u16(auxiliary + 6) & ~0x8000, { name: name(view.u32(auxiliary + 8)), isOwn: false });
      const next = view.u32(auxiliary + 12);
      if (next === 0) break;
      auxiliary += next;
    }
    const next = view.u32(at + 12);
    if (next === 0) break;
    at += next;
  }
  return versions;
}
