import { acceptedText } from '../accept.ts';
import { HeadFirst } from '../binary/head-first.ts';
import { ELF_MAGIC, isPacked, MACH_O_MAGICS, PE_MAGIC } from '../binary/magic.ts';
import { MAP_BYTES, readProgramMap } from '../binary/program-map.ts';
import type { ContentReader, ContentStream, FoundPackage, ReadResult } from '../types.ts';
import type { GoBuild, GoModule } from './build.ts';
import { mainVersion } from './main-version.ts';
import { GoSearch } from './search.ts';

/**
 * Modules and toolchain of Go programs, from the build information in them; also static and stripped ones.
 * @see https://pkg.go.dev/debug/buildinfo
 */
export const goBuildInfo: ContentReader = {
  id: 'go-buildinfo',
  version: 2,
  files: { magic: [ELF_MAGIC, PE_MAGIC, ...MACH_O_MAGICS] },
  wants: (_, head) => (isPacked(head) ? 'no' : { kind: 'stream' }),
  open: openProgram,
};

function openProgram(): ContentStream {
  let search: GoSearch | undefined;
  const file = new HeadFirst(MAP_BYTES, (head) => {
    const map = readProgramMap(head);
    if (map === undefined) return undefined;
    const found = new GoSearch(map);
    search = found;
    return (chunk, at) => found.write(chunk, at);
  });
  return {
    write: (chunk) => file.write(chunk),
    end(): ReadResult {
      file.end();
      const read = search?.end() ?? { kind: 'none' };
      if (read.kind === 'unreadable') return { problems: [read.reason] };
      return read.kind === 'none' ? {} : toResult(read.build);
    },
  };
}

/** Settings that say what exactly was built. */
const TOLD = ['vcs.revision', 'vcs.time', 'vcs.modified', 'GOOS', 'GOARCH', 'CGO_ENABLED', 'GOFIPS140'];

function toResult(build: GoBuild): ReadResult {
  const settings = TOLD.flatMap((key) => {
    const value = acceptedText(build.settings.get(key));
    return value === undefined ? [] : [[key, value] as const];
  });
  const path = acceptedText(build.path);
  return {
    packages: [mainPackage(build), ...build.dependencies.map(modulePackage), toolchainPackage(build)].filter(
      (item) => item !== undefined,
    ),
    facts: {
      toolchain: build.toolchain,
      ...(path === undefined ? {} : { path }),
      settings: Object.fromEntries(settings),
    },
  };
}

function mainPackage(build: GoBuild): FoundPackage | undefined {
  if (build.main === undefined) return undefined;
  const { version, isGuessed } = mainVersion(build);
  const revision = build.settings.get('vcs.revision');
  return golang(
    build.main.path,
    version,
    {
      ...(revision === undefined ? {} : { revision }),
      ...sumOf(build.main),
    },
    isGuessed,
  );
}

function modulePackage(module: GoModule): FoundPackage | undefined {
  const { replacement } = module;
  if (replacement === undefined) return golang(module.path, module.version, sumOf(module));
  const replaced = `${module.path}@${module.version}`;
  // A folder has no version of its own: the module it stands for is all that is known.
  if (replacement.version === '') {
    return golang(module.path, module.version, { 'replaced-by': replacement.path }, true);
  }
  return golang(replacement.path, replacement.version, { replaces: replaced, ...sumOf(replacement) });
}

/** The standard library is compiled in too; advisories call it `stdlib`. */
function toolchainPackage({ toolchain }: GoBuild): FoundPackage | undefined {
  const version = /(?:^| )go(\d\S*)/.exec(toolchain)?.[1];
  return version === undefined ? undefined : golang('stdlib', version, { toolchain });
}

function golang(
  path: string,
  moduleVersion: string,
  details: Readonly<Record<string, string>>,
  isGuessed = false,
): FoundPackage | undefined {
  const [name, version] = [acceptedText(path), acceptedText(moduleVersion)];
  if (name === undefined || version === undefined) return undefined;
  const told = Object.fromEntries(Object.entries(details).filter(([, value]) => acceptedText(value) !== undefined));
  return {
    ecosystem: 'golang',
    name,
    version,
    state: 'installed',
    ...(isGuessed ? { guessed: true } : {}),
    ...(Object.keys(told).length === 0 ? {} : { details: told }),
  };
}

function sumOf({ sum }: GoModule): Readonly<Record<string, string>> {
  return sum === undefined ? {} : { sum };
}
