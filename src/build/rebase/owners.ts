import type { PreparedBase } from './prepare-base.ts';

const memory = new WeakMap<PreparedBase, ReadonlyMap<string, string>>();

/** Package, as its list of files is named (`libssl3:amd64`), that owns a path of a Debian base. */
export function ownerOf(base: PreparedBase, path: string): string | undefined {
  const known = memory.get(base) ?? readOwners(base);
  memory.set(base, known);
  return known.get(path);
}

function readOwners(base: PreparedBase): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { files } of base.facts) {
    for (const [list, bytes] of files) {
      const name = /^var\/lib\/dpkg\/info\/(.+)\.list$/.exec(list)?.[1];
      if (name === undefined) continue;
      for (const path of listedFiles(bytes)) owners.set(path, name);
    }
  }
  return owners;
}

/** Paths of a list of dpkg's, where they are on a system with merged /usr and as they stand. */
export function listedFiles(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.length > 1 && line !== '/.')
    .flatMap((line) =>
      /^\/(?:s?bin|lib(?:32|64|x32)?)\//.test(line) ? [line.slice(1), `usr${line}`] : [line.slice(1)],
    );
}
