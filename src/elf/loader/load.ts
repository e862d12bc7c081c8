import type { LinkFacts } from '../link-facts.ts';
import { type LoaderRoot, realPath } from './loader-root.ts';
import { configuredFolders, defaultFolders, HWCAPS, muslFolders, tripletOf } from './search-folders.ts';

/** A file that the loader maps. */
export interface LoadedObject {
  /** Real path below the root, without leading `/`. */
  readonly path: string;
  /** The same library for better processors, which the loader takes where it runs on one. */
  readonly variants: readonly string[];
}

/** What a program is loaded with. */
export interface Loaded {
  /** The program first, then its libraries in the order they are loaded, its dynamic linker last. */
  readonly objects: readonly LoadedObject[];
  /** Names that nothing was found for, and the file that asks. */
  readonly missing: readonly { readonly name: string; readonly by: string }[];
}

export interface LoaderOptions {
  /** `NAME=value`: LD_LIBRARY_PATH and LD_PRELOAD count. */
  readonly environment?: readonly string[];
}

interface Found extends LoadedObject {
  /** Absolute, before links are followed. */
  readonly asked: string;
}

interface Mapped extends LoadedObject {
  readonly facts: LinkFacts;
  /** Folder for `$ORIGIN`, absolute. */
  readonly origin: string;
  readonly by: Mapped | undefined;
}

/** Objects of one program; honest ones have a few hundred. */
const MAX_OBJECTS = 5000;
/** Names that musl's loader answers itself. */
const MUSL_OWN = /^lib(?:c|pthread|rt|m|dl|util|xnet)\./;

/**
 * The dynamic loader's search, in a root at rest: glibc's (ld.so(8)) or musl's, as the program's interpreter says.
 * What programs open while they run (dlopen: NSS, plug-ins) is not in it.
 */
export class Loader {
  readonly #root: LoaderRoot;
  readonly #paths: readonly string[];
  readonly #preloads: readonly string[];
  readonly #configured: readonly string[];
  readonly #found = new Map<string, LoadedObject | undefined>();
  /** The same for files without search paths of their own: nearly all. */
  readonly #plain = new Map<string, Found | undefined>();

  constructor(root: LoaderRoot, { environment = [] }: LoaderOptions = {}) {
    this.#root = root;
    const variable = (name: string): string =>
      environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    this.#paths = variable('LD_LIBRARY_PATH')
      .split(/[:;]/)
      .filter((path) => path !== '');
    const system = root.text('etc/ld.so.preload') ?? '';
    this.#preloads = `${variable('LD_PRELOAD')} ${system}`.split(/[\s:]+/).filter((name) => name !== '');
    this.#configured = configuredFolders(root);
  }

  /**
   * @param program path below the root of a program or library
   * @param like the program a library would be loaded into, where `program` names no dynamic linker
   */
  load(program: string, like?: { readonly interpreter: string }): Loaded {
    const path = realPath(this.#root.linkAt, program);
    const facts = path === undefined ? undefined : this.#root.facts(path);
    if (path === undefined || facts === undefined) return { objects: [], missing: [] };
    const main: Mapped = { path, variants: [], facts, origin: parentOf(`/${path}`), by: undefined };
    const missing: { name: string; by: string }[] = [];
    const interpreter = facts.interpreter ?? like?.interpreter;
    if (interpreter === undefined) return { objects: [main], missing };
    const linker = realPath(this.#root.linkAt, interpreter);
    const isMusl = /(?:^|\/)ld-musl-/.test(interpreter);
    const own =
      linker === undefined || linker === path || !this.#root.has(linker) ? undefined : { path: linker, variants: [] };
    if (own === undefined && linker !== path) missing.push({ name: interpreter, by: path });
    const linkerNames = linker === undefined ? [] : [this.#root.facts(linker)?.soname, lastOf(interpreter)];
    const names = new Set<string | undefined>([...linkerNames, facts.soname]);
    const paths = new Set([path]);
    const queue: Mapped[] = [main];
    const take = (name: string, by: Mapped): void => {
      if (names.has(name) || (isMusl && MUSL_OWN.test(name)) || queue.length > MAX_OBJECTS) return;
      const found = isMusl ? this.#musl(name, by, interpreter) : this.#glibc(name, by);
      const its = found === undefined ? undefined : this.#root.facts(found.path);
      if (found === undefined || its === undefined) {
        missing.push({ name, by: by.path });
        return;
      }
      names.add(name);
      if (paths.has(found.path) || found.path === linker) return;
      paths.add(found.path);
      names.add(its.soname);
      queue.push({ ...found, facts: its, origin: parentOf(found.asked), by });
    };
    for (const name of this.#preloads) take(name, main);
    for (let at = 0; at < queue.length; at++) {
      const by = queue[at] as Mapped;
      for (const name of by.facts.needed ?? []) take(name, by);
    }
    const objects = queue.map(({ path: at, variants }) => ({ path: at, variants }));
    return { objects: own === undefined ? objects : [...objects, own], missing };
  }

  /** ld.so(8): RPATH of the asking file and those above it, LD_LIBRARY_PATH, RUNPATH, the cache, default folders. */
  #glibc(name: string, by: Mapped): Found | undefined {
    const { facts } = by;
    if (name.includes('/')) return this.#at([], this.#expand(name, by), facts);
    const first: string[] = [];
    if (facts.runpath === undefined) {
      for (let one: Mapped | undefined = by; one !== undefined; one = one.by) {
        if (one.facts.runpath !== undefined) continue;
        for (const folder of one.facts.rpath ?? []) first.push(this.#expand(folder, one));
      }
    }
    const own = facts.runpath ?? [];
    const isPlain = first.length + own.length + this.#paths.length === 0 && facts.noDefaults !== true;
    const key = `${facts.class} ${facts.machine} ${facts.big === true} ${name}`;
    if (isPlain && this.#plain.has(key)) return this.#plain.get(key);
    const standard = defaultFolders(facts);
    const last =
      // Without default folders, what the cache has of them does not count either.
      facts.noDefaults === true
        ? this.#configured.filter((one) => !standard.includes(one))
        : [...this.#configured, ...standard];
    const middle = [...this.#paths, ...own].map((folder) => this.#expand(folder, by));
    const found = this.#at([...first, ...middle, ...last], name, facts);
    if (isPlain) this.#plain.set(key, found);
    return found;
  }

  #musl(name: string, by: Mapped, interpreter: string): Found | undefined {
    if (name.includes('/')) return this.#at([], name, by.facts);
    const folders = [...this.#paths];
    for (let one: Mapped | undefined = by; one !== undefined; one = one.by) {
      const { origin } = one;
      for (const folder of one.facts.runpath ?? one.facts.rpath ?? []) {
        folders.push(folder.replace(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin));
      }
    }
    return this.#at([...folders, ...muslFolders(this.#root, interpreter)], name, by.facts);
  }

  /** The first file of that name which is for the same machine. */
  #at(folders: readonly string[], name: string, like: LinkFacts): Found | undefined {
    const levels = HWCAPS[like.machine] ?? [];
    for (const folder of folders.length === 0 ? [''] : folders) {
      const asked = folder === '' ? name : `${folder}/${name}`;
      const found = this.#file(
        asked,
        like,
        folder === '' ? [] : levels.map((level) => `${folder}/glibc-hwcaps/${level}/${name}`),
      );
      if (found !== undefined) return { ...found, asked: asked.startsWith('/') ? asked : `/${asked}` };
    }
    return undefined;
  }

  #file(asked: string, like: LinkFacts, better: readonly string[]): LoadedObject | undefined {
    const key = `${like.class} ${like.machine} ${like.big === true} ${asked}`;
    if (this.#found.has(key)) return this.#found.get(key);
    const fits = (path: string): readonly string[] => {
      const real = realPath(this.#root.linkAt, path);
      const facts = real === undefined ? undefined : this.#root.facts(real);
      const same = facts?.class === like.class && facts.machine === like.machine && facts.big === like.big;
      return real !== undefined && same ? [real] : [];
    };
    const [path, ...variants] = [...fits(asked), ...better.flatMap(fits)];
    const found = path === undefined ? undefined : { path, variants };
    this.#found.set(key, found);
    return found;
  }

  #expand(text: string, of: Mapped): string {
    if (!text.includes('$')) return text;
    const triplet = tripletOf(of.facts);
    const isMultiarch = triplet !== '' && this.#root.has(`usr/lib/${triplet}`);
    const lib = isMultiarch ? `lib/${triplet}` : of.facts.class === 64 ? 'lib64' : 'lib';
    const values: Readonly<Record<string, string>> = { ORIGIN: of.origin, LIB: lib, PLATFORM: of.facts.machine };
    return text.replace(
      /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))/g,
      (_, braced, plain) => {
        return values[braced ?? plain] ?? '';
      },
    );
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
