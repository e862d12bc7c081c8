import type { Command } from 'commander';
import type { RolloutAction, RolloutWord } from '../../http/index.ts';
import { carryHere } from '../carry-here.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { renderAway, renderFindings, renderHistory, renderRollouts, renderSimulation } from '../render/rollouts.ts';
import { OWNER, withRollouts } from '../rollouts.ts';
import { addClusterOptions, addEngineOptions, type RuntimeOptions } from '../runtimes.ts';
import { registerQuarantine } from './rollout-quarantine.ts';

interface Options extends RuntimeOptions {
  readonly format: OutputFormat;
  readonly fleet?: string;
  readonly all?: boolean;
  readonly image?: string;
  readonly limit?: string;
  readonly reason?: string;
  readonly now?: boolean;
  readonly stage?: string;
  readonly quarantine?: boolean;
  readonly digest?: string;
  readonly failOn?: string;
}

const FLEET = 'fleet file with stages and zones (default: heraklit.yaml, where there is one)';

/** `heraklit rollout status|pause|resume|abort|rollback|history|simulate|approve|findings|quarantine`. */
export function registerControl(command: Command, context: CliContext): void {
  // What stands behind a subcommand is its own: --format, --image.
  command.enablePositionalOptions();
  const sub = (name: string, what: string): Command =>
    addGlobalOptions(addFormat(command.command(name)))
      .description(what)
      .option('--fleet <file>', FLEET);
  sub('status', 'rollouts that go on, and findings of zones')
    .argument('[rollout]', 'number of one')
    .option('--all', 'those that have ended, too')
    .option('--image <name>', 'only this image of the fleet')
    .option('--limit <n>', 'rollouts at most', '100')
    .action((id: string | undefined, options: Options) => status(id, options, context));
  sub('history', 'how a rollout, or the last rollouts, came to where they are')
    .argument('[rollout]', 'number of one')
    .option('--image <name>', 'only this image of the fleet')
    .option('--limit <n>', 'rollouts at most', '20')
    .action((id: string | undefined, options: Options) => history(id, options, context));
  sub('findings', 'workloads that break the rules of their network zone')
    .option('--fail-on <what>', 'any: exit code 1 when there is one')
    .action((options: Options) => findings(options, context));
  sub('simulate', 'what a rollout would do now, in order; nothing is touched')
    .argument('<image>', 'name of an image of the fleet')
    .option('--digest <digest>', 'other than what is released')
    .action((image: string, options: Options) => simulate(image, options, context));
  const word = (name: RolloutAction, what: string): Command =>
    sub(name, what).argument('<rollout>', 'number').option('--reason <text>', 'kept in the history');
  word('pause', 'hold a rollout at its next step or workload').action((id: string, options: Options) =>
    say('pause', id, options, context),
  );
  word('approve', 'approve a stage')
    .option('--stage <name>', 'other than the next that is to be approved')
    .action((id: string, options: Options) => say('approve', id, options, context));
  carried(word('resume', 'let a rollout go on; one that nobody carries on is carried on here'))
    .option('--now', 'without waiting for a window')
    .action((id: string, options: Options) => say('resume', id, options, context));
  carried(word('abort', 'end a rollout; what is half-way is taken back')).action((id: string, options: Options) =>
    say('abort', id, options, context),
  );
  carried(sub('rollback', 'bring back what ran before'))
    .argument('<rollout>', 'number of a rollout that has ended, or a workload')
    .option('--reason <text>', 'kept in the history')
    .option('--quarantine', 'what it brought is bad, and never offered again')
    .action((what: string, options: Options) => rollBack(what, options, context));
  registerQuarantine(command, context);
}

const carried = (command: Command): Command => addClusterOptions(addEngineOptions(command));

function numberOf(text: string): number {
  const id = Number(text);
  if (/^\d{1,10}$/.test(text) && id > 0) return id;
  throw cliError('CLI_USAGE', `a rollout is named by its number, not ${JSON.stringify(text)}`, {
    hint: 'heraklit rollout status --all lists them.',
  });
}

async function status(id: string | undefined, options: Options, context: CliContext): Promise<void> {
  const { all = false, image, fleet } = options;
  const limit = numberOf(options.limit ?? '100');
  await withRollouts(context, fleet, async ({ rollouts }) => {
    const found =
      id === undefined
        ? (await rollouts.list({ all, limit, ...(image === undefined ? {} : { image }) })).rollouts
        : [(await rollouts.show(numberOf(id))).rollout];
    const { findings: broken } = await rollouts.findings();
    const { runtimes } = await rollouts.runtimes();
    const parts = [
      renderRollouts(found),
      ...renderAway(runtimes),
      ...(broken.length === 0 ? [] : [renderFindings(broken)]),
    ];
    context.print(options.format === 'json' ? json({ rollouts: found, findings: broken, runtimes }) : parts.join('\n'));
  });
}

async function history(id: string | undefined, options: Options, context: CliContext): Promise<void> {
  const { image, fleet } = options;
  const limit = numberOf(options.limit ?? '20');
  await withRollouts(context, fleet, async ({ rollouts }) => {
    const ids =
      id === undefined
        ? (await rollouts.list({ all: true, limit, ...(image === undefined ? {} : { image }) })).rollouts.map(
            (one) => one.id,
          )
        : [numberOf(id)];
    const found = [];
    for (const one of ids) found.push(await rollouts.show(one));
    context.print(
      options.format === 'json' ? json({ history: found }) : found.map(renderHistory).join('\n\n') || 'No rollouts.',
    );
  });
}

async function findings(options: Options, context: CliContext): Promise<void> {
  if (options.failOn !== undefined && options.failOn !== 'any') {
    throw cliError('CLI_USAGE', `--fail-on takes any, not ${JSON.stringify(options.failOn)}`);
  }
  const found = await withRollouts(context, options.fleet, ({ rollouts }) => rollouts.findings());
  context.print(options.format === 'json' ? json(found) : renderFindings(found.findings));
  if (options.failOn !== undefined && found.findings.length > 0) context.foundOverThreshold();
}

async function simulate(image: string, options: Options, context: CliContext): Promise<void> {
  const { digest } = options;
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw cliError('CLI_USAGE', `--digest takes sha256:…, not ${JSON.stringify(digest)}`);
  }
  const found = await withRollouts(context, options.fleet, ({ rollouts }) => rollouts.simulate(image, digest));
  context.print(options.format === 'json' ? json(found) : renderSimulation(found));
  if (found.refused !== null) context.foundOverThreshold();
}

const wordFrom = ({ reason, now, stage, quarantine }: Options): RolloutWord => ({
  ...(reason === undefined ? {} : { reason }),
  ...(now === undefined ? {} : { now }),
  ...(stage === undefined ? {} : { stage }),
  ...(quarantine === undefined ? {} : { quarantine }),
});

async function say(action: RolloutAction, text: string, options: Options, context: CliContext): Promise<void> {
  const id = numberOf(text);
  await withRollouts(context, options.fleet, async (open) => {
    await open.rollouts.act(id, action, wordFrom(options), OWNER);
    if (action === 'resume' || action === 'abort') await carryHere(open, [id], options, context);
    const { rollout } = await open.rollouts.show(id);
    context.print(options.format === 'json' ? json({ rollouts: [rollout] }) : renderRollouts([rollout]));
  });
}

async function rollBack(what: string, options: Options, context: CliContext): Promise<void> {
  await withRollouts(context, options.fleet, async (open) => {
    const word = wordFrom(options);
    const { rollouts: begun } = /^\d{1,10}$/.test(what)
      ? await open.rollouts.act(Number(what), 'rollback', word, OWNER)
      : await open.rollouts.takeBack(what, word, OWNER);
    await carryHere(
      open,
      begun.map(({ id }) => id),
      options,
      context,
    );
    const found = [];
    for (const { id } of begun) found.push((await open.rollouts.show(id)).rollout);
    context.print(options.format === 'json' ? json({ rollouts: found }) : renderRollouts(found));
    if (found.some(({ state }) => state === 'failed' || state === 'rolledback')) context.foundOverThreshold();
  });
}
