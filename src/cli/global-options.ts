import type { Command } from 'commander';

/** Understood before and after the name of a command, and of its subcommands. */
export function addGlobalOptions(command: Command): Command {
  return command
    .option('--home <dir>', 'where state lives (default: $HERAKLIT_HOME or the user’s data folder)')
    .option('--verbose', 'say more on stderr')
    .option('--quiet', 'no progress, errors only');
}
