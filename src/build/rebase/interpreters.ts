import { realPath } from '../../elf/loader/index.ts';
import type { ScriptFile } from '../layers/types.ts';
import type { RebaseConflict } from './report.ts';
import type { ResultRoot } from './result-root.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Scripts whose interpreter the old base had and the new one has not, found as the kernel and env(1) find it. */
export function checkInterpreters(
  scripts: readonly ScriptFile[],
  before: ResultRoot,
  after: ResultRoot,
  environment: readonly string[],
): readonly RebaseConflict[] {
  const path = environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  const folders = path.split(':').filter((folder) => folder.startsWith('/'));
  const found = new Map<string, boolean>();
  const isThere = (root: ResultRoot, name: string): boolean => {
    const key = `${root === before} ${name}`;
    const known =
      found.get(key) ??
      candidates(name, folders).some((one) => {
        const real = realPath(root.linkAt, one);
        return real !== undefined && root.entry(real)?.type === 'file';
      });
    found.set(key, known);
    return known;
  };
  return scripts.flatMap(({ path: script, interpreter }): readonly RebaseConflict[] => {
    const names = namesOf(interpreter);
    const lost = names.find((name) => isThere(before, name) && !isThere(after, name));
    return lost === undefined ? [] : [{ kind: 'interpreter', path: script, interpreter: lost }];
  });
}

/** The interpreter, and what `env` would look for. */
function namesOf([interpreter = '', ...rest]: readonly string[]): readonly string[] {
  if (!/\/env$/.test(interpreter)) return [interpreter];
  const name = rest.find((word) => !word.startsWith('-') && !word.includes('='));
  return name === undefined ? [interpreter] : [interpreter, name];
}

const candidates = (name: string, folders: readonly string[]): readonly string[] =>
  name.startsWith('/') ? [name] : folders.map((folder) => `${folder}/${name}`);
