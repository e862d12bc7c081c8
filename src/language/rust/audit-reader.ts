import { acceptedText } from '../accept.ts';
import { HeadFirst } from '../binary/head-first.ts';
import { ELF_MAGIC, isPacked } from '../binary/magic.ts';
import { MAP_BYTES, readProgramMap } from '../binary/program-map.ts';
import type { ContentReader, ContentStream, FoundPackage, ReadResult } from '../types.ts';
import type { AuditCrate } from './audit.ts';
import { AuditSearch } from './audit-search.ts';

/**
 * Crates in Rust programs built with `cargo auditable`.
 * @see https://github.com/rust-secure-code/cargo-auditable
 */
export const cargoAuditable: ContentReader = {
  id: 'cargo-auditable',
  version: 2,
  files: { magic: [ELF_MAGIC] },
  wants: (_, head) => (isPacked(head) ? 'no' : { kind: 'stream' }),
  open: openProgram,
};

function openProgram(): ContentStream {
  let search: AuditSearch | undefined;
  const file = new HeadFirst(MAP_BYTES, (head) => {
    const map = readProgramMap(head);
    // Go's linker leaves no room for it.
    if (map === undefined || map.isGo === 'yes') return undefined;
    const found = new AuditSearch(map);
    search = found;
    return (chunk, at) => found.write(chunk, at);
  });
  return {
    write: (chunk) => file.write(chunk),
    end(): ReadResult {
      file.end();
      const found = search?.end();
      if (found === undefined) return {};
      if (found === 'damaged') return { problems: ['its list of crates cannot be unpacked'] };
      return { packages: found.map(cratePackage).filter((item) => item !== undefined) };
    },
  };
}

function cratePackage({ name, version, source, kind }: AuditCrate): FoundPackage | undefined {
  const [accepted, at] = [acceptedText(name), acceptedText(version)];
  if (accepted === undefined || at === undefined) return undefined;
  const from = acceptedText(source);
  return {
    ecosystem: 'cargo',
    name: accepted,
    version: at,
    state: 'installed',
    // Build scripts and macros: they ran when it was built, and are not in the program.
    ...(kind === 'build' ? { dev: true } : {}),
    ...(from === undefined ? {} : { details: { source: from } }),
  };
}
