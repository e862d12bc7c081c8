import { type Dirent, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { decodePath } from '../../archive/index.ts';
import { type Attributes, headerOf } from './changes.ts';
import type { Change, Recording } from './types.ts';

/** A tree as it was before commands ran. */
export interface Before {
  readonly paths: ReadonlySet<string>;
  /** Milliseconds by the clock of the file system: all that happened later was done by commands. */
  readonly clock: number;
}

const NUL = Buffer.from([0]);
const ASCII = /^[^\u0080-\u00ff]*$/;

/** Which paths there are. */
export function listTree(root: string): ReadonlySet<string> {
  const paths = new Set<string>();
  listPaths(Buffer.from(`${root}/`).toString('latin1'), '', paths);
  return paths;
}

/** Time stamps are coarse: the clock has to move on before what comes later can be told from what came before. */
export async function clockTick(file: string): Promise<number> {
  const now = (): number => {
    writeFileSync(file, 'x');
    return lstatSync(file).ctimeMs;
  };
  const clock = now();
  while (now() <= clock) await wait(1);
  return clock;
}

/** File names are bytes: held as text of one character each, which is the name itself where it is ASCII. */
const place = (name: string): string | Buffer => (ASCII.test(name) ? name : Buffer.from(name, 'latin1'));
const pathOf = (name: string): string => (ASCII.test(name) ? name : decodePath(Buffer.from(name, 'latin1')));

const list = (folder: string): Dirent[] => readdirSync(place(folder), { encoding: 'latin1', withFileTypes: true });

function listPaths(folder: string, below: string, paths: Set<string>): void {
  for (const entry of list(folder)) {
    const name = below + entry.name;
    paths.add(pathOf(name));
    if (entry.isDirectory()) listPaths(`${folder}${entry.name}/`, `${name}/`, paths);
  }
}

/**
 * Compares a tree with what it was. Reading, executing, mapping, listing and following links set an inode's access
 * time; any change sets its change time, and neither can be set back without setting the change time. What only looks
 * whether something exists, or at its type, mode, owner, size and times, leaves no trace: see docs/decisions/0012.
 */
export async function observe(
  root: string,
  before: Before,
  attributesOf: (paths: Buffer) => Promise<Attributes>,
): Promise<Pick<Recording, 'reads' | 'changes'>> {
  const walk = new Walk(before);
  walk.folder(Buffer.from(`${root}/`).toString('latin1'), '');
  const removed = [...before.paths].filter((path) => !walk.present.has(path));
  for (const path of removed) walk.reads.add(path);
  const wanted = Buffer.concat(walk.changed.flatMap(({ name }) => [Buffer.from(name, 'latin1'), NUL]));
  const attributes = wanted.length === 0 ? new Map() : await attributesOf(wanted);
  const gone = new Set(removed);
  // What lay in a folder that is gone, or is none any more, needs no mark of its own.
  const marked = removed.filter((path) => {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    return !gone.has(parent) && (parent === '' || walk.folders.has(parent));
  });
  return {
    reads: walk.reads,
    changes: [
      ...entriesOf(root, walk.changed, attributes),
      ...marked.map((path) => ({ kind: 'whiteout', path }) as const),
    ],
  };
}

function entriesOf(root: string, changed: readonly Changed[], attributes: Attributes): readonly Change[] {
  const firsts = new Map<bigint, string>();
  return changed.map(({ path, name }) => {
    const file = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);
    const stat = lstatSync(file, { bigint: true });
    const first = stat.nlink > 1n && !stat.isDirectory() ? firsts.get(stat.ino) : undefined;
    if (first === undefined) firsts.set(stat.ino, path);
    const header = headerOf(file, path, stat, first, attributes.get(path));
    return { kind: 'entry', header, ...(header.type === 'file' ? { content: file } : {}) };
  });
}

interface Changed {
  readonly path: string;
  /** Its bytes, as text of one character each. */
  readonly name: string;
}

class Walk {
  readonly reads = new Set<string>();
  readonly changed: Changed[] = [];
  readonly present = new Set<string>();
  readonly folders = new Set<string>();
  readonly #before: Before;

  constructor(before: Before) {
    this.#before = before;
  }

  folder(folder: string, below: string): void {
    for (const entry of list(folder).sort((a, b) => (a.name < b.name ? -1 : 1)))
      this.#entry(folder, below + entry.name, entry.name);
  }

  #entry(folder: string, name: string, own: string): void {
    const [path, file] = [pathOf(name), folder + own];
    const stat = lstatSync(place(file));
    const known = this.#before.paths.has(path);
    const isChanged = stat.ctimeMs > this.#before.clock;
    this.present.add(path);
    if (known && (isChanged || stat.atimeMs > this.#before.clock)) this.reads.add(path);
    if (!known || isChanged) this.changed.push({ path, name });
    if (!stat.isDirectory()) return;
    this.folders.add(path);
    this.folder(`${file}/`, `${name}/`);
  }
}
