import type { FlatEntry, FlatTree } from '../oci/index.ts';

/** Linux stops at 40 too. */
const MAX_LINKS = 40;

/**
 * The entry an absolute path leads to inside an image, links followed as if the image were `/`; undefined where it leads
 * nowhere or in a circle. A folder that no layer spells out is found too, as `'folder'`.
 */
export function resolveInTree(
  tree: FlatTree,
  path: string,
): { readonly path: string; readonly found: FlatEntry | undefined } | undefined {
  let pending = path.split('/').reverse();
  let current: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      current.pop();
      continue;
    }
    current.push(part);
    const entry = tree.get(current.join('/'))?.entry;
    if (entry?.type !== 'symlink') continue;
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = entry.linkName ?? '';
    if (target.startsWith('/')) current = [];
    else current.pop();
    pending = [...pending, ...target.split('/').reverse()];
  }
  const at = current.join('/');
  const found = tree.get(at);
  return { path: at, found: found?.target ?? found };
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where `execvp` finds a command: as written when it holds a slash, else along PATH. */
export function findCommand(
  tree: FlatTree,
  command: string,
  environment: readonly string[],
  workdir: string,
): { readonly path: string; readonly file: FlatEntry } | { readonly problem: string } {
  const search = environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  const folders = command.includes('/') ? [''] : search.split(':');
  let problem = command.includes('/') ? `${command} does not exist` : `${command} is in no folder of PATH (${search})`;
  for (const folder of folders) {
    const path = command.startsWith('/') ? command : `${folder === '' ? workdir : folder}/${command}`;
    const at = resolveInTree(tree, path);
    if (at?.found === undefined) continue;
    const { entry } = at.found;
    if (entry.type !== 'file') problem = `${path} is not a file`;
    else if ((entry.mode & 0o111) === 0) problem = `${path} is not executable (mode 0${entry.mode.toString(8)})`;
    else return { path: at.path, file: at.found };
  }
  return { problem };
}
