import type { Command } from 'commander';
import { carryHere } from '../carry-here.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { renderRollouts } from '../render/rollouts.ts';
import { OWNER, withRollouts } from '../rollouts.ts';
import { addClusterOptions, addEngineOptions, type RuntimeOptions } from '../runtimes.ts';

interface PromoteOptions extends RuntimeOptions {
  readonly to: string;
  readonly digest?: string;
  readonly skip?: boolean;
  readonly fleet?: string;
  readonly format: OutputFormat;
}

const HELP = `
The stage's tag moves to the same digest, nothing is built again, and the stage's workloads get it. What is promoted is what
the stage before has, or what is released. A rollout that waits for the stage's approval gets it. Exit code 1 when the
stage's workloads were rolled back.

Examples:
  heraklit promote shop/web --to production
  heraklit promote shop/web --to staging --digest sha256:… --skip
`;

export function register(command: Command, context: CliContext): void {
  addFormat(addClusterOptions(addEngineOptions(command)))
    .argument('<image>', 'name of an image of the fleet')
    .requiredOption('--to <stage>', 'a stage of the fleet file')
    .option('--digest <digest>', 'other than what the stage before has')
    .option('--skip', 'stages before it need not have been passed')
    .option('--fleet <file>', 'fleet file (default: heraklit.yaml)')
    .addHelpText('after', HELP)
    .action((image: string, options: PromoteOptions) => promote(image, options, context));
}

async function promote(image: string, options: PromoteOptions, context: CliContext): Promise<void> {
  const { to, digest, skip, fleet, format } = options;
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw cliError('CLI_USAGE', `--digest takes sha256:…, not ${JSON.stringify(digest)}`);
  }
  await withRollouts(context, fleet, async (open) => {
    const wanted = { image, to, ...(digest === undefined ? {} : { digest }), ...(skip === undefined ? {} : { skip }) };
    const { rollouts: begun } = await open.rollouts.promote(wanted, OWNER);
    await carryHere(
      open,
      begun.map(({ id }) => id),
      options,
      context,
    );
    const found = [];
    for (const { id } of begun) found.push((await open.rollouts.show(id)).rollout);
    context.print(format === 'json' ? json({ rollouts: found }) : renderRollouts(found));
    if (found.some(({ state }) => state === 'failed' || state === 'rolledback')) context.foundOverThreshold();
  });
}
