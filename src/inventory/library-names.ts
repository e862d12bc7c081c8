import type { FileFinding } from '../language/index.ts';

/** A shared library by the name it gives itself (DT_SONAME). */
export interface NamedLibrary {
  /** Without leading `/`. */
  readonly path: string;
  readonly soname: string;
}

/** Bytes of a name that can be looked for in an index. */
const MAX_NAME = 512;

/** Libraries of one layer, of what was read while it passed. */
export function libraryNamesOf(findings: readonly FileFinding[]): readonly NamedLibrary[] {
  return findings.flatMap(({ reader, path, facts }) => {
    if (reader !== 'elf' || typeof facts !== 'object' || facts === null || !('soname' in facts)) return [];
    const { soname } = facts;
    // PostgreSQL keeps no NUL, and nobody asks for a name that is none.
    const isName = typeof soname === 'string' && soname !== '' && soname.length <= MAX_NAME && soname.isWellFormed();
    return isName && !soname.includes('\0') ? [{ path, soname }] : [];
  });
}
