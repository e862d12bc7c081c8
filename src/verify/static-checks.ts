import type { LayerFacts } from '../build/index.ts';
import { debEcosystem } from '../distro/index.ts';
import type { FlatTree } from '../oci/index.ts';
import type { Problem } from './types.ts';

const SHOWN = 5;
const few = (all: readonly string[]): string =>
  `${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`;

/** dpkg's database parses and every package in it is configured; undefined where there is none. */
export function checkDpkg(
  tree: FlatTree,
  facts: readonly LayerFacts[],
): { readonly problem: Problem; readonly detail: string } | undefined {
  const files = new Map<string, Uint8Array>();
  for (const [path, { entry, layer }] of tree) {
    const bytes = debEcosystem.isDatabasePath(path) ? facts[layer]?.files.get(entry.path) : undefined;
    if (bytes !== undefined) files.set(path, bytes);
  }
  if (files.size === 0) return undefined;
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
