import type { Command } from 'commander';
import type { Workshop } from '../engine/index.ts';
import type { CliContext } from './context.ts';

/** Options of every command that asks a distribution's repositories. */
export interface SourceOptions {
  readonly mirror?: string;
  readonly offline?: boolean;
}

/** Seconds for which a repository's state is not asked for again: commands in a row see the same world. */
const MAX_AGE = 300;

export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--mirror <url>',
      'package mirror, for example https://HOST/debian (default: see README, "Where packages come from")',
    )
    .option('--offline', 'use what is cached, never the network');
}

export async function workshopFrom(options: SourceOptions, context: CliContext): Promise<Workshop> {
  const { openWorkshop } = await import('../engine/index.ts');
  return openWorkshop({
    home: context.home,
    log: context.log,
    progress: context.progress,
    signal: context.signal,
    maxAge: MAX_AGE,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    ...(options.offline === undefined ? {} : { offline: options.offline }),
  });
}
