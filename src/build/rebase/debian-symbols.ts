/** What a package says of the libraries in it (deb-symbols(5), deb-shlibs(5)), as dpkg keeps it. */
export interface LibraryPromise {
  /** Package that holds the library. */
  readonly package: string;
  /** `name@version` → the least version of the package that has it; absent where it ships no symbols file. */
  readonly symbols?: ReadonlyMap<string, string>;
  /** What a program linked against it must depend on, as in Depends. */
  readonly depends?: string;
}

/** Symbols of one library in a symbols file: ` NAME@NODE 1.2-3[ id]` below a line that begins with its SONAME. */
export function readSymbols(text: string, soname: string): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  let reading = false;
  for (const line of text.split('\n')) {
    if (/^[^\s#*|]/.test(line)) {
      reading = line.split(' ', 1)[0] === soname;
      if (reading) found ??= new Map();
      continue;
    }
    const match = reading ? /^ (?:\([^)]*\))?"?([^\s"]+)"? ([^\s]+)/.exec(line) : null;
    if (match?.[1] !== undefined && match[2] !== undefined) found?.set(match[1].replace(/@Base$/, ''), match[2]);
  }
  return found;
}

/** `LIBRARY VERSION DEPENDENCIES`, the library and version being those of its SONAME; lines of other types (`udeb:`) do not count. */
export function readShlibs(text: string, soname: string): string | undefined {
  const [, name, version] = /^(.*)\.so\.(.*)$/.exec(soname) ?? /^(.*)-(\d.*)\.so$/.exec(soname) ?? [];
  for (const line of text.split('\n')) {
    const [, library, its, depends] = /^([^\s:]+) (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (library === name && its === version && depends !== undefined) return depends;
  }
  return undefined;
}
