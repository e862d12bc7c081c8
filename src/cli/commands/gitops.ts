import type { Command } from 'commander';
import type { LoadedFleet } from '../../engine/index.ts';
import type { GitopsRuntime } from '../../gitops/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { fleetFile } from '../fleet-setup.ts';
import { loadFleetAndSources } from '../fleet-sources.ts';
import { addFormat, json } from '../format-option.ts';
import { openGitopsRuntimes } from '../gitops-runtimes.ts';
import { type GitopsState, gitopsState } from '../gitops-state.ts';
import { writeGitops } from '../gitops-write.ts';
import { addGlobalOptions } from '../global-options.ts';
import { renderGitopsPlan, renderGitopsStatus, renderWritten } from '../render/gitops.ts';
import { type OpenRollouts, withRollouts } from '../rollouts.ts';

const HELP = `
The repositories of rollout.git in the fleet file, that Flux, Argo CD or a pipeline deploys from (docs/gitops.md). status shows
every place that names an image, and how it stands with what is released; plan shows what would be written, as git shows it, and
pushes nothing; write does it, as serve would: by commit or by pull request, by the fleet's stages, windows and approvals.

Examples:
  heraklit gitops status
  heraklit gitops plan --image web --format json
  heraklit gitops write --repository deploy
`;

interface Options {
  readonly format: OutputFormat;
  readonly fleet?: string;
  readonly image?: readonly string[];
  readonly repository?: readonly string[];
  readonly registry?: string;
  readonly failOn?: string;
}

export function register(command: Command, context: CliContext): void {
  command.enablePositionalOptions();
  command.addHelpText('after', HELP);
  const sub = (name: string, what: string): Command =>
    addGlobalOptions(addFormat(command.command(name)))
      .description(what)
      .option('--fleet <file>', 'fleet file (default: heraklit.yaml)')
      .option('--image <name...>', 'only these images of the fleet')
      .option('--repository <name...>', 'only these of rollout.git')
      .option('--registry <host>', 'HOST[:PORT] that files name our registry by; as the last rollout had it otherwise');
  sub('status', 'places that name images, and how they stand with what is released').action((options: Options) =>
    status(options, context),
  );
  sub('plan', 'what would be written, as a diff; nothing is pushed')
    .option('--fail-on <what>', 'any: exit code 1 when something is to be written')
    .action((options: Options) => plan(options, context));
  sub('write', 'write released digests, by commit or by pull request').action((options: Options) =>
    write(options, context),
  );
}

interface Opened {
  readonly open: OpenRollouts;
  readonly fleet: LoadedFleet;
  readonly runtimes: readonly GitopsRuntime[];
  readonly state: GitopsState;
}

async function withState<T>(options: Options, context: CliContext, work: (opened: Opened) => Promise<T>): Promise<T> {
  const file = fleetFile(options.fleet);
  const fleet = await loadFleetAndSources(file, context, { offline: true });
  const runtimes = named(await openGitopsRuntimes(fleet, context), options.repository, file);
  const { image: images = [] } = options;
  const unknown = images.find((name) => !fleet.fleet.images.some((one) => one.image === name));
  if (unknown !== undefined) throw cliError('CLI_USAGE', `the fleet has no image ${JSON.stringify(unknown)}`);
  return await withRollouts(
    context,
    file,
    async (open) =>
      await work({ open, fleet, runtimes, state: await gitopsState(open, fleet, { images, runtimes }, context) }),
    options.registry,
  );
}

function named(
  runtimes: readonly GitopsRuntime[],
  names: readonly string[] | undefined,
  file: string,
): readonly GitopsRuntime[] {
  if (runtimes.length === 0) {
    throw cliError('CLI_USAGE', `${file} names no repository under rollout.git`, { hint: 'See docs/gitops.md.' });
  }
  const unknown = names?.find((name) => !runtimes.some((one) => one.name === `gitops:${name}`));
  if (unknown !== undefined) throw cliError('CLI_USAGE', `rollout.git has no repository ${JSON.stringify(unknown)}`);
  return names === undefined ? runtimes : runtimes.filter(({ name }) => names.includes(name.slice('gitops:'.length)));
}

/** A repository that cannot be read is told with the others; alone it is an error. */
function tellErrors({ repositories }: GitopsState, context: CliContext): void {
  if (repositories.some(({ error }) => error !== null)) context.endWith(3);
}

async function status(options: Options, context: CliContext): Promise<void> {
  await withState(options, context, async ({ state }) => {
    const places = state.places.map(({ diff: _, ...place }) => place);
    context.print(options.format === 'json' ? json({ ...state, places }) : renderGitopsStatus(state));
    tellErrors(state, context);
  });
}

async function plan(options: Options, context: CliContext): Promise<void> {
  if (options.failOn !== undefined && options.failOn !== 'any') {
    throw cliError('CLI_USAGE', `--fail-on takes any, not ${JSON.stringify(options.failOn)}`);
  }
  await withState(options, context, async ({ state }) => {
    context.print(options.format === 'json' ? json(state) : renderGitopsPlan(state));
    const due = state.places.some(({ state: one }) => one === 'commit' || one === 'propose');
    if (options.failOn !== undefined && due) context.foundOverThreshold();
    tellErrors(state, context);
  });
}

async function write(options: Options, context: CliContext): Promise<void> {
  await withState(options, context, async ({ open, fleet, runtimes, state }) => {
    const written = await writeGitops(
      open,
      fleet,
      { places: state.places, runtimes, registry: options.registry },
      context,
    );
    context.print(options.format === 'json' ? json({ written }) : renderWritten(written));
    const setback = written.some(({ outcomes }) => outcomes.some(({ kind }) => kind === 'rolledback'));
    if (setback) context.foundOverThreshold();
    tellErrors(state, context);
  });
}
