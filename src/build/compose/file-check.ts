import { posix } from 'node:path';
import type { FlatEntry, FlatTree } from '../../oci/index.ts';
import type { RecipeCheck } from '../../recipe/index.ts';

/** As the kernel's own limit. */
const MAX_LINKS = 40;

/** What a path leads to when every link on the way is followed, the last one only when asked. */
function lookUp(tree: FlatTree, path: string, followLast: boolean): FlatEntry | undefined {
  let rest = path.split('/').filter((part) => part !== '' && part !== '.');
  let at = '';
  for (let links = 0; rest.length > 0; ) {
    const [part = '', ...more] = rest;
    rest = more;
    const here = posix.normalize(at === '' ? part : `${at}/${part}`).replace(/^\.\.?(?:\/|$)/, '');
    const found = tree.get(here);
    if (found?.entry.type === 'symlink' && (rest.length > 0 || followLast)) {
      links += 1;
      if (links > MAX_LINKS) return undefined;
      const target = found.entry.linkName ?? '';
      rest = [...target.split('/').filter((name) => name !== '' && name !== '.'), ...rest];
      if (target.startsWith('/')) at = '';
      continue;
    }
    if (rest.length === 0) return found;
    at = here;
  }
  return undefined;
}

/** What is wrong with a path of an image; undefined when it is as the check says. */
export function fileFault(tree: FlatTree, path: string, check: RecipeCheck): string | undefined {
  const found = lookUp(tree, path, check.type !== 'symlink');
  if (check.exists === false) return found === undefined ? undefined : 'it is there, and should not be';
  if (found === undefined) return 'it is not there';
  const entry = (found.entry.type === 'hardlink' ? found.target : found)?.entry ?? found.entry;
  const facts = { type: entry.type, mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid };
  const mode = check.mode === undefined ? undefined : Number.parseInt(check.mode, 8);
  const octal = (value: unknown): string => (typeof value === 'number' ? value.toString(8).padStart(4, '0') : '');
  if (check.type !== undefined && facts.type !== check.type) return `it is a ${facts.type}, expected a ${check.type}`;
  if (mode !== undefined && facts.mode !== mode) return `its mode is ${octal(facts.mode)}, expected ${octal(mode)}`;
  if (check.uid !== undefined && facts.uid !== check.uid) return `its owner is ${facts.uid}, expected ${check.uid}`;
  if (check.gid !== undefined && facts.gid !== check.gid) return `its group is ${facts.gid}, expected ${check.gid}`;
  return undefined;
}
