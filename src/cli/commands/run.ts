import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { fleetAdvisories } from '../fleet-advisories.ts';
import { fleetFile, fleetSetup } from '../fleet-setup.ts';
import { loadFleetAndSources } from '../fleet-sources.ts';
import { addFormat, json } from '../format-option.ts';
import { openHomeDatabase } from '../open-database.ts';
import { pruneEvents } from '../prune-events.ts';
import { coloursFor } from '../render/colours.ts';
import { nothingToDo, renderTasks, taskReport } from '../render/tasks.ts';
import { openTests } from '../run-tests.ts';
import { addEngineOptions, type RuntimeOptions } from '../runtimes.ts';
import { addSourceOptions, type SourceOptions } from '../source-options.ts';

interface RunOptions extends SourceOptions, RuntimeOptions {
  readonly format: OutputFormat;
  readonly retryFailed?: boolean;
  readonly takeOver?: string;
}

/** How a task may end without anybody having to look. */
const FINE: ReadonlySet<string> = new Set(['succeeded', 'unchanged', 'disabled', 'locked']);

const HELP = `
The loop once, without a server: indexes, inventory, plan, builds in dependency order, tests (those of docs/verify.md on
podman or Docker where the fleet file has any, else static ones), publication into the home's registry and its events. Killed at any moment, it goes on where it was when called again. Exit code 1 when a
task failed or cannot be planned. heraklit serve does the same on a schedule, serves the registry and rolls out.

Examples:
  heraklit run examples/fleet/heraklit.yaml
`;

export function register(command: Command, context: CliContext): void {
  addEngineOptions(addSourceOptions(addFormat(command)))
    .argument('[fleet]', 'fleet file (default: heraklit.yaml)')
    .option('--retry-failed', 'also what failed with exactly this input')
    .option('--take-over <fleet>', 'earlier name of this fleet, whose images are its own')
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: RunOptions) => run(file, options, context));
}

async function run(file: string | undefined, options: RunOptions, context: CliContext): Promise<void> {
  const { pipelineOptions, runPipeline } = await import('../../engine/index.ts');
  const fleet = await loadFleetAndSources(fleetFile(file), context, options);
  const database = await openHomeDatabase(context);
  await using resources = new AsyncDisposableStack();
  try {
    const tests = resources.use(await openTests(fleet, database, options, context));
    const setup = await fleetSetup({ ...options, fleet, database, registryHost: '', ...tests.setup }, context);
    await fleetAdvisories(fleet, database, context)();
    const result = await runPipeline(await pipelineOptions(setup));
    // Where RabbitMQ is named, a server delivers to it, and knows what it still lacks.
    if (fleet.document.events?.amqp === undefined) await pruneEvents(database, fleet.document, context);
    const tasks = result.tasks.map(taskReport);
    context.print(
      options.format === 'json'
        ? json({ run: result.run ?? null, resumed: result.resumed, tasks, problems: result.problems })
        : tasks.length === 0
          ? nothingToDo(result.problems)
          : renderTasks(tasks, coloursFor(context.colour)),
    );
    for (const { code, message, hint } of result.problems) context.log.error(`${code}: ${message} ${hint}`);
    for (const task of result.tasks)
      if (task.error !== null && task.status !== 'excluded') context.log.error(`${task.image}: ${task.error}`);
    const failed = result.tasks.some((task) => !FINE.has(task.status));
    if (failed || result.problems.length > 0) context.foundOverThreshold();
  } finally {
    await database.close();
  }
}
