import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkFacts } from '../../elf/index.ts';
import { Loader, type LoaderRoot, realPath } from '../../elf/loader/index.ts';
import type { FileFinding } from '../../language/index.ts';
import type { FlatTree, ImageConfig } from '../../oci/index.ts';
import type { InstalledFiles } from '../owned-files.ts';
import { linkIn, ownersOf } from '../owners.ts';
import { commandOf, findCommand, interpretersOf } from './command.ts';
import { entryPrograms } from './entry-programs.ts';
import { linkedFiles } from './linked-files.ts';
import { type ImageUsage, type LinkedBy, stronger } from './usage.ts';

/** Facts of the readers `elf`, `script` and `loader-settings`, by path. */
interface ProgramFacts {
  readonly elf: ReadonlyMap<string, LinkFacts>;
  readonly scripts: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
}

/** Which files and packages of an image are used, from what was read of its layers. */
export async function usageInTree(
  findings: Iterable<FileFinding>,
  tree: FlatTree,
  root: InstalledFiles,
  config: ImageConfig | undefined,
): Promise<ImageUsage> {
  const facts = programFacts(findings);
  const environment = config?.config?.Env ?? [];
  const loader = new Loader(treeRoot(tree, facts), { environment });
  const entry = entryPrograms(config === undefined ? [] : commandOf(config), {
    find: (command) => {
      const found = findCommand(tree, command, environment, config?.config?.WorkingDir || '/');
      return 'problem' in found ? undefined : found.path;
    },
    scriptLine: (path) => facts.scripts.get(path),
    interpreters: interpretersOf,
  });
  return usageOf(loader, facts, entry, root, linkIn(tree));
}

/**
 * The same of a root folder on disk. Nobody says which command starts there, so nothing is the entry point's. Links
 * never lead out of it.
 * @param root absolute path
 */
export async function usageInFolder(
  findings: Iterable<FileFinding>,
  root: string,
  installed: InstalledFiles,
  linkAt: LoaderRoot['linkAt'],
): Promise<ImageUsage> {
  const facts = programFacts(findings);
  const real = (path: string): string | undefined => realPath(linkAt, path);
  const loader = new Loader(
    {
      linkAt,
      has: (path) => facts.elf.has(path) || isThere(root, real(path)),
      facts: (path) => facts.elf.get(path),
      text: (path) => facts.settings.get(path),
      list: (folder) => namesIn(root, real(folder)),
    },
    { environment: [] },
  );
  return usageOf(loader, facts, new Set(), installed, linkAt);
}

function isThere(root: string, path: string | undefined): boolean {
  return path !== undefined && lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
}

function namesIn(root: string, folder: string | undefined): readonly string[] {
  try {
    return folder === undefined ? [] : readdirSync(join(root, folder)).sort();
  } catch {
    return [];
  }
}

async function usageOf(
  loader: Loader,
  facts: ProgramFacts,
  entry: ReadonlySet<string>,
  root: InstalledFiles,
  linkAt: LoaderRoot['linkAt'],
): Promise<ImageUsage> {
  const files = linkedFiles(loader, facts.elf, entry);
  const owners = await ownersOf(new Set(files.keys()), root, linkAt);
  const packages = new Map<string, LinkedBy>();
  for (const [path, by] of files) {
    const owner = owners.get(path);
    if (owner !== undefined) packages.set(owner, stronger(packages.get(owner), by));
  }
  return { entry: [...entry], files, packages };
}

function programFacts(findings: Iterable<FileFinding>): ProgramFacts {
  const elf = new Map<string, LinkFacts>();
  const scripts = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const { reader, path, facts } of findings) {
    if (reader === 'elf' && isLinkFacts(facts)) elf.set(path, facts);
    else if (reader === 'script' && typeof facts === 'string') scripts.set(path, facts);
    else if (reader === 'loader-settings' && typeof facts === 'string') settings.set(path, facts);
  }
  return { elf, scripts, settings };
}

const isLinkFacts = (facts: unknown): facts is LinkFacts =>
  typeof facts === 'object' && facts !== null && 'class' in facts && 'machine' in facts;

function treeRoot(tree: FlatTree, { elf, settings }: ProgramFacts): LoaderRoot {
  let folders: Map<string, string[]> | undefined;
  const namesByFolder = (): ReadonlyMap<string, readonly string[]> => {
    if (folders !== undefined) return folders;
    folders = new Map();
    // What is included is below etc; a whole image has 100,000 other names.
    for (const path of tree.keys()) {
      if (!path.startsWith('etc/')) continue;
      const slash = path.lastIndexOf('/');
      const folder = path.slice(0, slash);
      const names = folders.get(folder);
      if (names === undefined) folders.set(folder, [path.slice(slash + 1)]);
      else names.push(path.slice(slash + 1));
    }
    return folders;
  };
  return {
    linkAt: linkIn(tree),
    has: (path) => tree.has(path) || elf.has(path),
    facts: (path) => elf.get(path),
    text: (path) => settings.get(path),
    list: (folder) => [...(namesByFolder().get(folder) ?? [])].sort(),
  };
}
