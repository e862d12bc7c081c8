import type { LayerFacts } from '../build/index.ts';
import { debEcosystem } from '../distro/index.ts';
import type { FlatTree } from '../oci/index.ts';
import type { Problem } from './types.ts';

const SHOWN = 5;
const few = (all: readonly string[]): string =>
  `${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`;

/** The package database parses and every package in it is configured; images without one pass. */
export function checkPackages(
  tree: FlatTree,
  facts: readonly LayerFacts[],
): { readonly problem: Problem; readonly detail: string } {
  const files = new Map<string, Uint8Array>();
  for (const [path, { entry, layer }] of tree) {
    const bytes = debEcosystem.isDatabasePath(path) ? facts[layer]?.files.get(entry.path) : undefined;
    if (bytes !== undefined) files.set(path, bytes);
  }
  if (files.size === 0) return { problem: undefined, detail: 'no package database' };
  const { packages, incomplete, problems } = debEcosystem.readDatabase(files);
  if (problems.length > 0)
    return { problem: `the package database is broken: ${few(problems.map(({ reason }) => reason))}`, detail: '' };
  if (incomplete.length > 0) return { problem: `not configured: ${few(incomplete)}`, detail: '' };
  return { problem: undefined, detail: `${packages.length} packages, all configured` };
}

const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'libo32'];

/** A folder in the place of a link to /usr cuts an image in two: `/lib/…` and `/usr/lib/…` are different files then. */
export function checkMergedUsr(tree: FlatTree, facts: readonly LayerFacts[]): Problem {
  const broken = MERGED.filter((name) => {
    const linked = facts.some(({ index }) =>
      index.entries.some(
        ({ path, type, linkName }) => path === name && type === 'symlink' && /^\/?usr\//.test(linkName ?? ''),
      ),
    );
    return linked && tree.get(name)?.entry.type !== 'symlink';
  });
  return broken.length === 0 ? undefined : `no longer a link to /usr: ${broken.map((name) => `/${name}`).join(', ')}`;
}

/**
 * The libraries a program needs, and those they need in turn, are in the image. Found by file name wherever they lie:
 * search paths (RUNPATH, ld.so.conf, LD_LIBRARY_PATH) are the linker's business, and the smoke test's.
 */
export function checkLibraries(
  tree: FlatTree,
  facts: readonly LayerFacts[],
  program: string,
): { readonly problem: Problem; readonly detail: string } {
  const needs = new Map<string, readonly string[]>();
  const places = new Map<string, string[]>();
  const linked = facts.map((fact) => new Map(fact.linked.map(({ path, needed }) => [path, needed])));
  for (const [path, flat] of tree) {
    const { entry, layer } = flat.target ?? flat;
    const needed = linked[layer]?.get(entry.path);
    if (needed !== undefined) needs.set(path, needed);
    if (!path.includes('.so') || entry.type === 'directory') continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    places.set(name, [...(places.get(name) ?? []), path]);
  }
  const seen = new Set<string>();
  const missing = new Set<string>();
  const pending = [program];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const name of needs.get(path) ?? []) {
      const found = places.get(name.slice(name.lastIndexOf('/') + 1));
      if (found === undefined) missing.add(`${name} (for /${path})`);
      else pending.push(...found.map((place) => target(tree, place)));
    }
  }
  if (missing.size > 0) return { problem: `missing libraries: ${few([...missing])}`, detail: '' };
  return { problem: undefined, detail: `${seen.size - 1} libraries found` };
}

/** One step of a library's version link (libz.so.1 → libz.so.1.3.1), in the same folder. */
function target(tree: FlatTree, path: string): string {
  const entry = tree.get(path)?.entry;
  if (entry?.type !== 'symlink' || entry.linkName === undefined || entry.linkName.includes('/')) return path;
  return `${path.slice(0, path.lastIndexOf('/') + 1)}${entry.linkName}`;
}
