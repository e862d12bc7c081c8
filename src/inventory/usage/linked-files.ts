import type { LinkFacts } from '../../elf/index.ts';
import type { Loader } from '../../elf/loader/index.ts';
import { type LinkedBy, stronger } from './usage.ts';

/**
 * By path, who needs it: what the entry point is made of and loads, what any program loads, what any library (a plug-in,
 * an extension module) would bring along.
 */
export function linkedFiles(
  loader: Loader,
  programs: ReadonlyMap<string, LinkFacts>,
  entry: ReadonlySet<string>,
): ReadonlyMap<string, LinkedBy> {
  const files = new Map<string, LinkedBy>();
  const mark = (path: string, by: LinkedBy): void => void files.set(path, stronger(files.get(path), by));
  for (const path of entry) {
    mark(path, 'entrypoint');
    for (const object of loader.load(path).objects) {
      for (const one of [object.path, ...object.variants]) mark(one, 'entrypoint');
    }
  }
  const interpreter = commonInterpreter(programs);
  for (const [path, facts] of programs) {
    const by = facts.interpreter === undefined ? 'library' : 'executable';
    const { objects } = loader.load(path, interpreter === undefined ? undefined : { interpreter });
    for (const object of objects) {
      for (const one of [object.path, ...object.variants]) if (one !== path) mark(one, by);
    }
  }
  return files;
}

/** The dynamic linker that most programs ask for: libraries would be loaded by it. */
function commonInterpreter(programs: ReadonlyMap<string, LinkFacts>): string | undefined {
  const counts = new Map<string, number>();
  for (const { interpreter } of programs.values()) {
    if (interpreter !== undefined) counts.set(interpreter, (counts.get(interpreter) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
