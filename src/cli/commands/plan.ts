import type { Command } from 'commander';
import type { Plan } from '../../plan/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { openFleetAccess } from '../fleet-access.ts';
import { fleetFile, fleetSetup } from '../fleet-setup.ts';
import { loadFleetAndSources } from '../fleet-sources.ts';
import { addFormat, json } from '../format-option.ts';
import { coloursFor } from '../render/colours.ts';
import { renderPlan, renderServedPlan } from '../render/plan.ts';
import { nothingToDo } from '../render/tasks.ts';
import { addSourceOptions, type SourceOptions } from '../source-options.ts';

interface PlanOptions extends SourceOptions {
  readonly format: OutputFormat;
  readonly retryFailed?: boolean;
}

const HELP = `
Brings the indexes up to date, looks into images that are not known yet, and shows what would be made, in order, by
which strategy and why. Nothing is built. Where heraklit serve holds the home, its current plan is shown.

Examples:
  heraklit plan
  heraklit plan examples/fleet/heraklit.yaml --format json
`;

export function register(command: Command, context: CliContext): void {
  addSourceOptions(addFormat(command))
    .argument('[fleet]', 'fleet file (default: heraklit.yaml)')
    .option('--retry-failed', 'also what failed with exactly this input')
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: PlanOptions) => run(file, options, context));
}

async function run(file: string | undefined, options: PlanOptions, context: CliContext): Promise<void> {
  const { pipelineOptions, planPipeline } = await import('../../engine/index.ts');
  const access = await openFleetAccess(context);
  if (access.kind === 'server') {
    context.log.warn('heraklit serve holds this home: its current plan is shown');
    const current = await access.server.plan();
    context.print(options.format === 'json' ? json(current) : renderServedPlan(current, coloursFor(context.colour)));
    return;
  }
  const { database } = access;
  try {
    const fleet = await loadFleetAndSources(fleetFile(file), context, options);
    const setup = await fleetSetup({ ...options, fleet, database, registryHost: '' }, context);
    const plan: Plan = await planPipeline(await pipelineOptions(setup));
    context.print(
      options.format === 'json'
        ? json(plan)
        : plan.tasks.length === 0
          ? nothingToDo([])
          : renderPlan(plan, coloursFor(context.colour)),
    );
  } finally {
    await database.close();
  }
}
