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

const SLASH = Buffer.from('/');
const NUL = Buffer.from([0]);

/** Remembers which paths there are, and the time. `aside` is a folder of the same kind of file system. */
export async function rememberTree(root: string, aside: string): Promise<Before> {
  const paths = new Set<string>();
  listPaths(Buffer.from(`${root}/`), '', paths);
  return { paths, clock: await clockTick(`${aside}/clock`) };
}

/** Time stamps are coarse: the clock has to move on before what comes later can be told from what came before. */
async function clockTick(file: string): Promise<number> {
  const now = (): number => {
    writeFileSync(file, 'x');
    return lstatSync(file).ctimeMs;
  };
  const clock = now();
  while (now() <= clock) await wait(1);
  return clock;
}

function listPaths(folder: Buffer, prefix: string, paths: Set<string>): void {
  for (const entry of readdirSync(folder, { encoding: 'buffer', withFileTypes: true })) {
    const path = prefix + decodePath(entry.name);
    paths.add(path);
    if (entry.isDirectory()) listPaths(Buffer.concat([folder, entry.name, SLASH]), `${path}/`, paths);
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
  walk.folder(Buffer.from(`${root}/`), '');
  const removed = [...before.paths].filter((path) => !walk.present.has(path));
  for (const path of removed) walk.reads.add(path);
  const list = Buffer.concat(walk.changed.flatMap(({ native }) => [native, NUL]));
  const attributes = list.length === 0 ? new Map() : await attributesOf(list);
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
  return changed.map(({ path, native }) => {
    const file = Buffer.concat([Buffer.from(`${root}/`), native]);
    const stat = lstatSync(file, { bigint: true });
    const first = stat.nlink > 1n && !stat.isDirectory() ? firsts.get(stat.ino) : undefined;
    if (first === undefined) firsts.set(stat.ino, path);
    const header = headerOf(file, path, stat, first, attributes.get(path));
    return { kind: 'entry', header, ...(header.type === 'file' ? { content: file } : {}) };
  });
}

interface Changed {
  readonly path: string;
  /** Bytes of the path below the root. */
  readonly native: Buffer;
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

  folder(folder: Buffer, prefix: string, below: Buffer = Buffer.alloc(0)): void {
    const entries = readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
    for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name)))
      this.#entry(folder, prefix, below, entry);
  }

  #entry(folder: Buffer, prefix: string, below: Buffer, entry: Dirent<NonSharedBuffer>): void {
    const path = prefix + decodePath(entry.name);
    const file = Buffer.concat([folder, entry.name]);
    const native = Buffer.concat([below, entry.name]);
    const stat = lstatSync(file);
    const known = this.#before.paths.has(path);
    const isChanged = stat.ctimeMs > this.#before.clock;
    this.present.add(path);
    if (known && (isChanged || stat.atimeMs > this.#before.clock)) this.reads.add(path);
    if (!known || isChanged) this.changed.push({ path, native });
    if (!stat.isDirectory()) return;
    this.folders.add(path);
    this.folder(Buffer.concat([file, SLASH]), `${path}/`, Buffer.concat([native, SLASH]));
  }
}
