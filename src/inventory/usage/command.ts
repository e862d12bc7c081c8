import { realPath } from '../../elf/loader/index.ts';
import type { FlatEntry, FlatTree, ImageConfig } from '../../oci/index.ts';
import { linkIn } from '../owners.ts';

/** The command line of a container without further arguments. */
export function commandOf({ config }: Pick<ImageConfig, 'config'>): readonly string[] {
  return [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])];
}

/** What the first line of a script asks for (execve(2)), `#!` left out: the interpreter, and the command behind `env`. */
export function interpretersOf(line: string): readonly string[] {
  const [program = '', ...rest] = line.trim().split(/\s+/);
  if (!program.endsWith('/env')) return program === '' ? [] : [program];
  const command = rest.find((word) => !word.startsWith('-') && !word.includes('='));
  return command === undefined ? [program] : [program, command];
}

/**
 * The entry an absolute path leads to inside an image, links followed as if the image were `/`; undefined where it leads
 * nowhere or in a circle.
 */
export function resolveInTree(
  tree: FlatTree,
  path: string,
): { readonly path: string; readonly found: FlatEntry | undefined } | undefined {
  const at = realPath(linkIn(tree), path);
  if (at === undefined) return undefined;
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
