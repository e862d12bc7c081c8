import { Command, CommanderError } from 'commander';
import { createLog, defaultHome, homeAt, isHeraklitError } from '../base/index.ts';
import { COMMANDS } from './commands.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import { addGlobalOptions } from './global-options.ts';
import { createProgressLine } from './progress-line.ts';
import { describeError, EXIT } from './report-error.ts';
import { VERSION } from './version.ts';

/** What commander throws after it has printed help or the version. */
const HELP_SHOWN: ReadonlySet<string> = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);
const INTERRUPTED_HINT = 'Run the same command again: what was finished is kept, what was not left nothing behind.';

/** Milliseconds after its end that an interrupted command may still hold on to something. */
const LINGER = 10_000;

/** Runs the command line. @returns the exit code: 0 fine, 1 findings over the threshold, 2 wrong use, 3 failed */
export async function main(argv: readonly string[]): Promise<number> {
  await becomeRootOfNamespace(argv);
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void =>
    stop.abort(cliError('CLI_INTERRUPTED', `stopped by ${signal}`, { hint: INTERRUPTED_HINT, details: { signal } }));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  // A reader that closes the pipe early (`heraklit scan … | head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.fine);
  });
  const progress = createProgressLine(process.stderr, argv.includes('--quiet'));
  let exitCode: number = EXIT.fine;
  const context: CliContext = {
    home: homeFrom(argv),
    log: createLog({
      level: argv.includes('--verbose') ? 'debug' : argv.includes('--quiet') ? 'error' : 'warn',
      json: process.env.HERAKLIT_LOG === 'json',
      write: (line) => {
        progress.clear();
        process.stderr.write(`${line}\n`);
      },
    }),
    progress,
    colour: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
    signal: stop.signal,
    print: (text) => {
      progress.clear();
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    settle: () => progress.clear(),
    foundOverThreshold: () => {
      exitCode = EXIT.findings;
    },
    endWith: (code) => {
      exitCode = code;
    },
  };
  try {
    const program = await createProgram(argv, context);
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    progress.clear();
    if (error instanceof CommanderError && HELP_SHOWN.has(error.code))
      return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    // Whatever an abort breaks off (a fetch, a pipe, a child), the signal is why.
    const why = stop.signal.aborted ? stop.signal.reason : error;
    const described = describeError(error instanceof CommanderError ? usageError(error, argv) : withHelp(why, argv));
    process.stderr.write(`${described.text}\n`);
    return described.exitCode;
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
    if (stop.signal.aborted) endForCertain(context);
  }
}

/** For a command that may run an image's programs, started by an ordinary user: see `enterUserNamespace`. */
async function becomeRootOfNamespace(argv: readonly string[]): Promise<void> {
  if (process.getuid?.() === 0 || argv.some((argument) => argument === '--help' || argument === '-h')) return;
  const kind = COMMANDS.find(({ name }) => name === askedCommand(argv))?.sandbox;
  if (kind === undefined) return;
  const { enterUserNamespace } = await import('../runtime/sandbox/index.ts');
  enterUserNamespace(kind);
}

/** A timer or a connection that somebody forgot must not keep a process that was told to end. */
function endForCertain({ log }: CliContext): void {
  const end = (): void => {
    log.warn(`ended by force: something held on to ${[...new Set(process.getActiveResourcesInfo())].join(', ')}`);
    process.exit();
  };
  setTimeout(end, LINGER).unref();
}

/** Commander's own words for what is wrong with the command line, as a coded error. */
function usageError(error: CommanderError, argv: readonly string[]): Error {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const advice = more.map((line) => line.replace(/^\((.*)\)$/, '$1')).join(' ');
  const help = helpHint(argv);
  return cliError('CLI_USAGE', first, { hint: advice === '' ? help : `${advice} ${help}` });
}

/** Wrong use that a command itself found has the same last advice. */
function withHelp(error: unknown, argv: readonly string[]): unknown {
  if (!isHeraklitError(error, 'CLI_USAGE') || error.hint !== undefined) return error;
  return cliError('CLI_USAGE', error.message, { hint: helpHint(argv) });
}

function helpHint(argv: readonly string[]): string {
  const command = askedCommand(argv);
  return command === undefined
    ? 'heraklit --help shows all commands.'
    : `heraklit ${command} --help shows its options.`;
}

const askedCommand = (argv: readonly string[]): string | undefined =>
  argv.find((argument) => COMMANDS.some((entry) => entry.name === argument));

/** Builds the program; only the command that is asked for loads its module. */
async function createProgram(argv: readonly string[], context: CliContext): Promise<Command> {
  const program = addGlobalOptions(new Command('heraklit'))
    .description('Keeps every container patched by itself.')
    .version(VERSION, '-V, --version')
    // Options after a command are the command's: `where PACKAGE --version RANGE` does not ask for ours.
    .enablePositionalOptions()
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  const asked = askedCommand(argv);
  for (const entry of COMMANDS) {
    const command = addGlobalOptions(program.command(entry.name)).description(entry.summary).exitOverride();
    if (entry.name === asked) (await entry.load()).register(command, context);
  }
  return program;
}

function homeFrom(argv: readonly string[]): CliContext['home'] {
  const at = argv.indexOf('--home');
  const value =
    at >= 0 ? argv[at + 1] : argv.find((argument) => argument.startsWith('--home='))?.slice('--home='.length);
  return value === undefined || value === '' ? defaultHome() : homeAt(value, process.env.HERAKLIT_STORAGE);
}
