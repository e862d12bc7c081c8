import type { ScriptFile } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import type { PreparedBase } from './prepare-base.ts';
import type { RebaseConflict } from './report.ts';
import { nameOf } from './tree.ts';

interface Language {
  readonly name: string;
  /** Interpreters that carry their version in their name, the version as first group. */
  readonly program: RegExp;
  /** Variable that official images set to the whole version. */
  readonly variable: string;
  /** Package whose version it is, where no file's name says so. */
  readonly package?: RegExp;
  /** Numbers of the version that must stay for modules to be found and loaded. */
  readonly numbers: number;
  /** Files written in it, or compiled for it. */
  readonly files: RegExp;
  /** Name of its interpreter in the first line of a script or in a command. */
  readonly command: RegExp;
}

const PLACES = '^(?:usr/(?:local/)?|opt/[^/]+/)bin/';
const LANGUAGES: readonly Language[] = [
  {
    name: 'python',
    program: new RegExp(`${PLACES}python(3\\.\\d+)$`),
    variable: 'PYTHON_VERSION',
    numbers: 2,
    files: /\.pyc?$|\/(?:site|dist)-packages\/|\.cpython-\d+/,
    command: /^python[\d.]*$/,
  },
  {
    name: 'perl',
    program: new RegExp(`${PLACES}perl(5\\.\\d+)`),
    variable: 'PERL_VERSION',
    numbers: 2,
    files: /\.p[lm]$/,
    command: /^perl[\d.]*$/,
  },
  {
    name: 'node',
    program: /^$/,
    variable: 'NODE_VERSION',
    package: /^nodejs(?:-current)?$/,
    numbers: 1,
    files: /\.(?:[cm]?js|node)$|(?:^|\/)node_modules\//,
    command: /^node(?:js)?$/,
  },
  {
    name: 'ruby',
    program: new RegExp(`${PLACES}ruby(\\d\\.\\d+)$`),
    variable: 'RUBY_VERSION',
    package: /^ruby$/,
    numbers: 2,
    files: /\.rb$|\/gems\//,
    command: /^ruby[\d.]*$/,
  },
  {
    name: 'php',
    program: new RegExp(`${PLACES}php(\\d\\.\\d+)$`),
    variable: 'PHP_VERSION',
    numbers: 2,
    files: /\.php$/,
    command: /^php[\d.]*$/,
  },
  {
    name: 'java',
    program: /^usr\/lib\/jvm\/java-(?:\d\.)?(\d+)-/,
    variable: 'JAVA_VERSION',
    numbers: 1,
    files: /\.(?:jar|class|war)$/,
    command: /^java$/,
  },
];

const memory = new WeakMap<PreparedBase, ReadonlyMap<string, string>>();

/** Language → versions that a base has of it, as far as they bind modules: `3.11`, `3.11, 3.13`. */
function runtimesOf(base: PreparedBase): ReadonlyMap<string, string> {
  const known = memory.get(base);
  if (known !== undefined) return known;
  const found = new Map<string, Set<string>>();
  const add = (language: Language, version: string): void => {
    const short = version
      .replace(/^[^\d]*(?:\d+:)?/, '')
      .split(/[.+~_-]/)
      .slice(0, language.numbers)
      .join('.');
    if (short !== '') found.set(language.name, (found.get(language.name) ?? new Set()).add(short));
  };
  const programs = base.tree.keys().filter((path) => path.includes('bin/') || path.startsWith('usr/lib/jvm/'));
  for (const path of programs) {
    for (const language of LANGUAGES) {
      const version = language.program.exec(path)?.[1];
      if (version !== undefined) add(language, version);
    }
  }
  for (const entry of base.image.config.config?.Env ?? []) {
    const language = LANGUAGES.find(({ variable }) => entry.startsWith(`${variable}=`));
    if (language !== undefined) add(language, entry.slice(language.variable.length + 1));
  }
  for (const pkg of base.packages) {
    const language = LANGUAGES.find((one) => one.package?.test(pkg.name) === true);
    if (language !== undefined) add(language, pkg.version);
  }
  const versions = new Map([...found].map(([name, set]) => [name, [...set].sort().join(', ')]));
  memory.set(base, versions);
  return versions;
}

/**
 * An interpreter whose minor version changes finds modules elsewhere (`dist-packages`), takes no byte code and loads no
 * compiled module made for the other: a child that has files for it must be built anew.
 */
export function checkRuntimes(
  pair: BasePair,
  paths: Iterable<string>,
  scripts: readonly ScriptFile[],
  command: readonly string[],
): readonly RebaseConflict[] {
  const [before, after] = [runtimesOf(pair.oldBase), runtimesOf(pair.newBase)];
  const changed = LANGUAGES.filter(({ name }) => before.has(name) && before.get(name) !== after.get(name));
  if (changed.length === 0) return [];
  const all = [...paths];
  return changed.flatMap((language): readonly RebaseConflict[] => {
    const script = scripts.find(({ interpreter }) =>
      interpreter.slice(0, 3).some((word) => language.command.test(nameOf(word))),
    );
    const usedBy =
      script?.path ??
      all.find((path) => language.files.test(path)) ??
      (command.some((word) => language.command.test(nameOf(word))) ? 'the command of the image' : undefined);
    if (usedBy === undefined) return [];
    const [from = '', to = 'none'] = [before.get(language.name), after.get(language.name)];
    return [{ kind: 'runtime', language: language.name, from, to, usedBy }];
  });
}
