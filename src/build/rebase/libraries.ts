import { parseRelations, satisfies } from '../../distro/index.ts';
import { readElf } from '../../elf/index.ts';
import { type Loaded, Loader } from '../../elf/loader/index.ts';
import type { LinkedFile } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import { type LibraryPromise, readShlibs, readSymbols } from './debian-symbols.ts';
import { ownerOf } from './owners.ts';
import type { PreparedBase } from './prepare-base.ts';
import { readBaseFiles } from './read-files.ts';
import type { RebaseConflict } from './report.ts';
import type { ResultRoot } from './result-root.ts';
import { nameOf } from './tree.ts';

/** One library that a child's program gets from the base, and what the new base has in its place. */
interface Stand {
  readonly soname: string;
  readonly before: string;
  readonly after: string;
  readonly neededBy: Set<string>;
}

/** What a library's newer file does not have any more. */
interface Loss {
  readonly soname: { readonly old: string | undefined; readonly new: string | undefined };
  readonly gone: readonly string[];
  readonly promise: LibraryPromise | undefined;
}

export interface LibraryInput {
  readonly pair: BasePair;
  /** The child's own programs and libraries, those that its layers leave. */
  readonly linked: readonly LinkedFile[];
  readonly before: ResultRoot;
  readonly after: ResultRoot;
  readonly environment: readonly string[];
  readonly isOwn: (path: string) => boolean;
  readonly readOwn: (paths: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Dynamic linkers, for plug-ins that name none: the one that the base's programs ask for. */
const LINKERS = [
  '/lib64/ld-linux-x86-64.so.2',
  '/lib/ld-linux-aarch64.so.1',
  '/lib/ld-linux-armhf.so.3',
  '/lib64/ld64.so.2',
];
const OTHER_LINKER = /^lib(?:32|64)?\/(?:ld-musl-[^/]+\.so\.1|ld-linux[^/]*\.so\.\d|ld64\.so\.\d)$/;

/**
 * Proves that what the child's programs are linked against in the base is still found by the dynamic loader, under the
 * same SONAME, and still exports what it did, symbol by symbol and version by version. Symbols that Debian's own list
 * of the library (deb-symbols(5)) never promised may go, where none of the child's files asks for them. A library that
 * became older must still fulfil what Debian says a program linked against the newer one needs (deb-shlibs(5)).
 */
export async function checkLibraries(
  input: LibraryInput,
): Promise<{ readonly conflicts: readonly RebaseConflict[]; readonly checked: readonly string[] }> {
  const conflicts: RebaseConflict[] = [];
  const { linked, pair } = input;
  for (const { path, unread } of linked) {
    if (unread === undefined) continue;
    const reason = 'it is too large to be read whole, and their names do not stand where they do in other programs';
    conflicts.push({ kind: 'library', soname: 'libraries that were not read', neededBy: path, reason });
  }
  const stands = standsOf(input, conflicts);
  const losses = await lossesOf(stands, pair);
  for (const stand of stands) {
    const reason = await reasonAgainst(stand, losses.get(keyOf(stand)), input);
    const [neededBy = ''] = stand.neededBy;
    if (reason !== undefined) conflicts.push({ kind: 'library', soname: stand.soname, neededBy, reason });
  }
  return { conflicts, checked: [...new Set(stands.map(({ soname }) => soname))].sort() };
}

/** What the loader finds for each program on either base; what it does not find any more is a conflict. */
function standsOf(input: LibraryInput, conflicts: RebaseConflict[]): readonly Stand[] {
  const { pair, linked, before, after, environment } = input;
  const programs = linked.filter(({ needed }) => needed.length > 0);
  if (programs.length === 0) return [];
  const like = { interpreter: linkerOf(pair.oldBase) };
  const [oldLoader, newLoader] = [new Loader(before, { environment }), new Loader(after, { environment })];
  const direct = new Set(programs.flatMap(({ needed }) => needed));
  const stands = new Map<string, Stand>();
  for (const program of programs) {
    const [old, now] = [oldLoader.load(program.path, like), newLoader.load(program.path, like)];
    const missing = new Set(old.missing.map(({ name }) => name));
    for (const { name, by } of now.missing) {
      const reason = `the new base has no such library, which ${by} needs`;
      if (!missing.has(name)) conflicts.push({ kind: 'library', soname: name, neededBy: program.path, reason });
    }
    addStands(program, old, now, direct, input, stands);
  }
  return [...stands.values()];
}

/** The base's libraries that the child's own files ask for by name, and whose file is another in the new base. */
function addStands(
  { path, needed }: LinkedFile,
  old: Loaded,
  now: Loaded,
  direct: ReadonlySet<string>,
  { pair, before, after, isOwn }: LibraryInput,
  stands: Map<string, Stand>,
): void {
  const found = new Map(now.objects.map((object) => [nameIn(after, object.path), object.path]));
  for (const object of old.objects) {
    const soname = nameIn(before, object.path);
    const successor = found.get(soname);
    if (isOwn(object.path) || successor === undefined) continue;
    if (!direct.has(soname) && !direct.has(nameOf(object.path))) continue;
    if (successor === object.path && !pair.changed.has(object.path)) continue;
    const key = `${object.path}\0${successor}`;
    const stand = stands.get(key) ?? { soname, before: object.path, after: successor, neededBy: new Set<string>() };
    if (needed.includes(soname) || stand.neededBy.size === 0) stand.neededBy.add(path);
    stands.set(key, stand);
  }
}

const nameIn = (root: ResultRoot, path: string): string => root.facts(path)?.soname ?? nameOf(path);
const keyOf = ({ before, after }: Stand): string => `${before}\0${after}`;

function linkerOf(base: PreparedBase): string {
  const known = LINKERS.find((path) => base.tree.has(path.slice(1)) || base.tree.has(`usr${path}`));
  return known ?? `/${base.tree.keys().find((path) => OTHER_LINKER.test(path)) ?? 'lib64/ld-linux-x86-64.so.2'}`;
}

const lossMemory = new WeakMap<BasePair, Map<string, Loss>>();

/** Worked out once for a fleet: the bases' layers are read once for all libraries that were not asked for before. */
async function lossesOf(stands: readonly Stand[], pair: BasePair): Promise<ReadonlyMap<string, Loss>> {
  const known = lossMemory.get(pair) ?? new Map<string, Loss>();
  lossMemory.set(pair, known);
  const wanted = stands.filter((stand) => !known.has(keyOf(stand)));
  if (wanted.length === 0) return known;
  const owners = new Map(wanted.map((stand) => [stand, ownerOf(pair.oldBase, stand.before)]));
  const info = (owner: string, kind: string): readonly string[] => {
    const plain = `var/lib/dpkg/info/${owner}`;
    const [name = owner, architecture] = owner.split(':');
    return [`${plain}.${kind}`, ...(architecture === undefined ? [] : [`var/lib/dpkg/info/${name}.${kind}`])];
  };
  const lists = [...new Set(owners.values())].flatMap((owner) =>
    owner === undefined ? [] : [...info(owner, 'symbols'), ...info(owner, 'shlibs')],
  );
  const [old, now] = await Promise.all([
    readBaseFiles(pair.oldBase, [...new Set([...wanted.map(({ before }) => before), ...lists])]),
    readBaseFiles(pair.newBase, [...new Set(wanted.map(({ after }) => after))]),
  ]);
  for (const stand of wanted) {
    const owner = owners.get(stand);
    const text = (kind: string): string | undefined => {
      const bytes = (owner === undefined ? [] : info(owner, kind))
        .map((path) => old.get(path))
        .find((one) => one !== undefined);
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    };
    const [before, after] = [exportsOf(old.get(stand.before)), exportsOf(now.get(stand.after))];
    const symbols = readSymbols(text('symbols') ?? '', stand.soname);
    const depends = readShlibs(text('shlibs') ?? '', stand.soname);
    known.set(keyOf(stand), {
      soname: { old: before.soname, new: after.soname },
      gone: [...before.symbols].filter((symbol) => !after.symbols.has(symbol)),
      promise:
        owner === undefined
          ? undefined
          : {
              package: owner,
              ...(symbols === undefined ? {} : { symbols }),
              ...(depends === undefined ? {} : { depends }),
            },
    });
  }
  return known;
}

function exportsOf(bytes: Uint8Array | undefined): {
  readonly soname: string | undefined;
  readonly symbols: ReadonlySet<string>;
} {
  if (bytes === undefined) return { soname: undefined, symbols: new Set() };
  const { soname, exportedSymbols } = readElf(bytes);
  return { soname, symbols: new Set(exportedSymbols.map(spelled)) };
}

const spelled = ({ name, version }: { readonly name: string; readonly version?: string }): string =>
  version === undefined ? name : `${name}@${version}`;

async function reasonAgainst(stand: Stand, loss: Loss | undefined, input: LibraryInput): Promise<string | undefined> {
  if (loss === undefined) return 'it could not be read';
  const { soname, gone, promise } = loss;
  if (soname.old !== soname.new) return `its SONAME is now ${soname.new ?? 'absent'}`;
  const broken = await brokenPromise(stand, promise, input);
  if (broken !== undefined) return broken;
  if (gone.length === 0) return undefined;
  const symbols = promise?.symbols;
  const promised = symbols === undefined ? gone : gone.filter((symbol) => symbols.has(symbol));
  const missed =
    promised.length > 0 ? promised : (await importsOf(stand, input)).filter((symbol) => gone.includes(symbol));
  if (missed.length === 0) return undefined;
  return `${gone.length} exported symbols are gone, ${missed.slice(0, 3).join(', ')} among them`;
}

/** What Debian says a program linked against the old base's library needs, held against the new base. */
async function brokenPromise(
  stand: Stand,
  promise: LibraryPromise | undefined,
  input: LibraryInput,
): Promise<string | undefined> {
  const [name] = promise?.package.split(':') ?? [];
  const versionIn = (base: PreparedBase): string | undefined =>
    base.status.packages.find((pkg) => pkg.name === name)?.version;
  const [before, after] = [versionIn(input.pair.oldBase), versionIn(input.pair.newBase)];
  if (promise === undefined || before === undefined || after === undefined || satisfies(after, '>=', before))
    return undefined;
  for (const relation of parseRelations(promise.depends ?? '').flat()) {
    const { operator, version } = relation;
    if (
      relation.name !== name ||
      operator === undefined ||
      version === undefined ||
      satisfies(after, operator, version)
    )
      continue;
    return `${name} is older than programs linked against it need (${operator} ${version}, says its shlibs file)`;
  }
  for (const symbol of await importsOf(stand, input)) {
    const least = promise.symbols?.get(symbol);
    if (least === undefined || satisfies(after, '>=', least)) continue;
    return `${symbol} needs ${name} (>= ${least}), says its symbols file`;
  }
  return undefined;
}

/** Symbols that the child's files take from elsewhere. */
async function importsOf({ neededBy }: Stand, { readOwn }: LibraryInput): Promise<readonly string[]> {
  const files = await readOwn([...neededBy]);
  return [...new Set([...files.values()].flatMap((bytes) => readElf(bytes).importedSymbols.map(spelled)))];
}
