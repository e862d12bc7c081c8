import { inflateSync } from 'node:zlib';

/** A crate that was compiled into a program (or helped to build it). */
export interface AuditCrate {
  readonly name: string;
  readonly version: string;
  /** `crates.io`, `git`, `local`, `registry`. */
  readonly source: string;
  /** `build`: build scripts and macros, not in the program itself. */
  readonly kind: 'runtime' | 'build';
  /** The program's own crate. */
  readonly isRoot: boolean;
  /** Indexes into the list. */
  readonly dependencies: readonly number[];
}

/** Bytes of the JSON text; the format's own readers stop there too. */
const MAX_TEXT = 8 * 1024 * 1024;
const MAX_CRATES = 100_000;

/**
 * The dependency list that `cargo auditable` puts into programs, unpacked.
 * @param packed from the start of the section; bytes behind the compressed text do no harm
 * @returns undefined where it is no such list
 * @see https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
 */
export function parseAudit(packed: Buffer): readonly AuditCrate[] | undefined {
  try {
    const text = inflateSync(packed, { maxOutputLength: MAX_TEXT }).toString('utf8');
    const { packages } = JSON.parse(text) as { readonly packages?: unknown };
    if (!Array.isArray(packages)) return undefined;
    return packages.slice(0, MAX_CRATES).map((one: unknown) => crateOf(one as Readonly<Record<string, unknown>>));
  } catch {
    return undefined;
  }
}

function crateOf(crate: Readonly<Record<string, unknown>>): AuditCrate {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const list = Array.isArray(crate.dependencies) ? crate.dependencies : [];
  return {
    name: text(crate.name),
    version: text(crate.version),
    source: text(crate.source),
    kind: crate.kind === 'build' ? 'build' : 'runtime',
    isRoot: crate.root === true,
    dependencies: list.filter((index) => Number.isSafeInteger(index)) as readonly number[],
  };
}
