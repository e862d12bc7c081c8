import type { LintHit, LintRule } from '../types.ts';
import type { ShellCommand } from './shell-commands.ts';
import type { DockerfileSubject, RunStep } from './subject.ts';

const runsOf = ({ stages }: DockerfileSubject): readonly RunStep[] => stages.flatMap((stage) => stage.runs);

/** `sudo apt-get -q install x` → apt-get, install, and the rest. */
function called({ words }: ShellCommand, program: RegExp, verb: RegExp): readonly string[] | undefined {
  const start = words[0] === 'sudo' || words[0] === 'exec' ? 1 : 0;
  if (!program.test((words[start] ?? '').replace(/^.*\//, ''))) return undefined;
  const rest = words.slice(start + 1);
  return rest.some((word) => verb.test(word)) ? rest : undefined;
}

const APT = /^(?:apt|apt-get|aptitude)$/;
const INSTALL = /^(?:install|upgrade|dist-upgrade|full-upgrade)$/;

interface Manager {
  readonly name: string;
  readonly program: RegExp;
  readonly verb: RegExp;
  /** Option of the command that keeps nothing. */
  readonly option?: RegExp;
  /** What a step has to have in it to clean up. */
  readonly cleanUp?: (run: RunStep) => boolean;
  readonly cache: RegExp;
  readonly instead: string;
}

const has = (program: RegExp, verb: RegExp) => (run: RunStep) =>
  run.commands.some((command) => called(command, program, verb) !== undefined);

const MANAGERS: readonly Manager[] = [
  {
    ...{ name: 'apt', program: APT, verb: INSTALL, cache: /^\/var\/lib\/apt/ },
    cleanUp: (run) =>
      run.commands.some(({ words }) => words[0] === 'rm' && words.some((word) => /\/var\/lib\/apt\/lists/.test(word))),
    instead: 'rm -rf /var/lib/apt/lists/*',
  },
  {
    ...{
      name: 'dnf',
      program: /^(?:micro)?dnf$/,
      verb: /^(?:install|upgrade|update)$/,
      cache: /^\/var\/cache\/(?:lib)?dnf/,
    },
    cleanUp: has(/^(?:micro)?dnf$/, /^clean$/),
    instead: 'dnf clean all',
  },
  {
    ...{ name: 'yum', program: /^yum$/, verb: /^(?:install|upgrade|update)$/, cache: /^\/var\/cache\/yum/ },
    cleanUp: has(/^yum$/, /^clean$/),
    instead: 'yum clean all',
  },
  {
    ...{ name: 'zypper', program: /^zypper$/, verb: /^(?:install|in|update|up)$/, cache: /^\/var\/cache\/zypp/ },
    cleanUp: has(/^zypper$/, /^(?:clean|cc)$/),
    instead: 'zypper clean --all',
  },
  {
    ...{
      name: 'apk',
      program: /^apk$/,
      verb: /^(?:add|upgrade)$/,
      option: /^--no-cache$/,
      cache: /^\/(?:var\/cache|etc)\/apk/,
    },
    cleanUp: (run) =>
      run.commands.some(({ words }) => words[0] === 'rm' && words.some((word) => word.includes('/var/cache/apk'))),
    instead: 'apk add --no-cache',
  },
  {
    ...{ name: 'pip', program: /^pip[\d.]*$/, verb: /^install$/, option: /^--no-cache-dir$/, cache: /\.cache\/pip/ },
    instead: 'pip install --no-cache-dir',
  },
];

const DOWNLOAD = /^(?:curl|wget)$/;
const SHELL = /^(?:.*\/)?(?:ba|da|a|z|k)?sh$|^(?:python[\d.]*|perl|node|ruby)$/;

/** Rules over what RUN runs. */
export const RUN_RULES: readonly LintRule<DockerfileSubject>[] = [
  {
    id: 'package-cache-left',
    severity: 'warning',
    meaning: 'A step installs packages and leaves the package manager’s cache in its layer. Clean up in the same step.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        for (const { name, program, verb, option, cleanUp, cache, instead } of MANAGERS) {
          const calls = run.commands.flatMap((command) => called(command, program, verb) ?? []);
          if (calls.length === 0 || run.cached.some((target) => cache.test(target))) continue;
          if (option !== undefined && calls.some((word) => option.test(word))) continue;
          if (cleanUp?.(run) === true) continue;
          yield { message: `${name} leaves its cache: ${instead}`, line: run.line };
        }
      }
    },
  },
  {
    id: 'apt-update-alone',
    severity: 'warning',
    meaning: 'apt-get update in a step of its own is cached: later installs use old lists. Do both in one step.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        const updates = run.commands.some((command) => called(command, APT, /^update$/));
        if (updates && !run.commands.some((command) => called(command, APT, INSTALL))) {
          yield { message: 'apt-get update without an install', line: run.line };
        }
      }
    },
  },
  {
    id: 'apt-recommends',
    severity: 'info',
    meaning: 'apt-get installs recommended packages too. --no-install-recommends leaves out what nobody asked for.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        for (const command of run.commands) {
          const words = called(command, APT, /^install$/);
          if (
            words === undefined ||
            words.some((word) => /^--no-install-recommends$|APT::Install-Recommends/.test(word))
          )
            continue;
          yield { message: 'apt-get install with recommended packages', line: run.line };
        }
      }
    },
  },
  {
    id: 'apt-asks',
    severity: 'warning',
    meaning: 'apt-get install without -y waits for an answer that nobody gives.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        for (const command of run.commands) {
          const words = called(command, APT, INSTALL);
          if (
            words === undefined ||
            words.some((word) =>
              /^(?:-[a-zA-Z]*y[a-zA-Z]*|--yes|--assume-yes|-qq|--download-only)$|Assume-Yes/.test(word),
            )
          )
            continue;
          yield { message: 'no -y', line: run.line };
        }
      }
    },
  },
  {
    id: 'download-into-shell',
    severity: 'warning',
    meaning: 'What is downloaded runs at once, whatever it is that day. Download, check its digest, then run it.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        for (const { words, pipedInto } of run.commands) {
          const into = pipedInto?.find((word) => word !== 'sudo' && word !== '-E') ?? '';
          if (DOWNLOAD.test(words[0] ?? '') && SHELL.test(into)) {
            yield { message: `${words[0]} into ${into}`, line: run.line };
          }
        }
      }
    },
  },
  {
    id: 'download-insecure',
    severity: 'error',
    meaning: 'A download does not check who it comes from.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        for (const { words } of run.commands) {
          const insecure =
            (words[0] === 'curl' &&
              words.some((word) => word === '--insecure' || /^-[a-jl-zA-Z]*k[a-zA-Z]*$/.test(word))) ||
            (words[0] === 'wget' && words.includes('--no-check-certificate'));
          if (insecure) yield { message: `${words[0]} without checking certificates`, line: run.line };
        }
      }
    },
  },
  {
    id: 'sudo',
    severity: 'warning',
    meaning: 'sudo brings root back to a user that was taken it from. Switch USER for the step.',
    *check(subject) {
      for (const run of runsOf(subject)) {
        if (run.commands.some(({ words }) => words[0] === 'sudo')) yield { message: 'sudo', line: run.line };
      }
    },
  },
  {
    id: 'chmod-everybody',
    severity: 'warning',
    meaning: 'Everybody in the container may write what this opens. Give it to its user instead.',
    *check(subject): Iterable<LintHit> {
      for (const run of runsOf(subject)) {
        const open = run.commands.find(
          ({ words }) =>
            words[0] === 'chmod' &&
            words.some((word) => /^0?[0246]?[0-7][0-7][2367]$|^[ugoa]*o?[+=]rwx$|^a\+.*w|^o\+.*w/.test(word)),
        );
        if (open !== undefined) yield { message: open.words.slice(0, 4).join(' '), line: run.line };
      }
    },
  },
];
