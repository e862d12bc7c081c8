import type { LayerFacts } from '../build/index.ts';
import type { LinkFacts } from '../elf/index.ts';
import { Loader } from '../elf/loader/index.ts';
import type { FlatTree } from '../oci/index.ts';
import type { Problem } from './types.ts';

const SHOWN = 5;

/**
 * The libraries a program needs, and those they need in turn, are where the dynamic loader of the image looks for them
 * (RPATH, RUNPATH, LD_LIBRARY_PATH, ld.so.conf, default folders; musl's path), and are for the same machine.
 * @param environment Env of the image
 */
export function checkLibraries(
  tree: FlatTree,
  facts: readonly LayerFacts[],
  program: string,
  environment: readonly string[],
): { readonly problem: Problem; readonly detail: string } {
  const { linked, unread } = linkedFiles(tree, facts);
  if (!linked.has(program)) {
    const why = unread.has(nameOf(program)) ? 'it was not read whole' : 'it is not linked';
    return { problem: undefined, detail: `/${program} needs no libraries that could be told: ${why}` };
  }
  const loader = new Loader(
    {
      linkAt(path) {
        const entry = tree.get(path)?.entry;
        return entry?.type === 'symlink' ? entry.linkName : undefined;
      },
      has: (path) => tree.has(path),
      facts: (path) => linked.get(path),
      text: (path) => textAt(tree, facts, path),
      list: (folder) => namesIn(tree, folder),
    },
    { environment },
  );
  const { objects, missing } = loader.load(program);
  // A preload that is not there is complained about and passed over.
  const needed = missing.filter(({ name, by }) => {
    const asking = linked.get(by);
    const isNeeded = asking?.needed?.includes(name) === true || asking?.interpreter === name;
    return isNeeded && !unread.has(nameOf(name));
  });
  if (needed.length === 0) return { problem: undefined, detail: `${objects.length - 1} libraries found` };
  const told = needed.slice(0, SHOWN).map(({ name, by }) => `${name} (for /${by})${elsewhere(linked, name)}`);
  const more = needed.length > SHOWN ? ` and ${needed.length - SHOWN} more` : '';
  return { problem: `missing libraries: ${told.join(', ')}${more}`, detail: '' };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** By path, what the loader goes by; names of linked files of which that is not known. */
function linkedFiles(
  tree: FlatTree,
  facts: readonly LayerFacts[],
): { readonly linked: ReadonlyMap<string, LinkFacts>; readonly unread: ReadonlySet<string> } {
  const known = facts.map((fact) => new Map(fact.linked.map((file) => [file.path, file])));
  const linked = new Map<string, LinkFacts>();
  const unread = new Set<string>();
  for (const [path, flat] of tree) {
    const { entry, layer } = flat.target ?? flat;
    const file = known[layer]?.get(entry.path);
    if (file === undefined) continue;
    if (file.link === undefined) unread.add(nameOf(path));
    else linked.set(path, file.link);
  }
  return { linked, unread };
}

function textAt(tree: FlatTree, facts: readonly LayerFacts[], path: string): string | undefined {
  const flat = tree.get(path);
  if (flat === undefined) return undefined;
  const { entry, layer } = flat.target ?? flat;
  const bytes = facts[layer]?.files.get(entry.path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

function namesIn(tree: FlatTree, folder: string): readonly string[] {
  const prefix = `${folder}/`;
  return [...tree.keys()]
    .flatMap((path) => {
      const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
      return name === '' || name.includes('/') ? [] : [name];
    })
    .sort();
}

/** A library that lies where nobody looks is half the explanation. */
function elsewhere(linked: ReadonlyMap<string, LinkFacts>, name: string): string {
  const place = [...linked.keys()].find((path) => nameOf(path) === name);
  return place === undefined
    ? ''
    : `, which lies in /${place}, where the loader does not look or which is for another machine`;
}
