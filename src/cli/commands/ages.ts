import { type Command, Option } from 'commander';
import type { AgePromises, FreshnessOutcome, WorkloadAge } from '../../rollout/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { fleetHosts } from '../engine-hosts.ts';
import { cliError } from '../errors.ts';
import { clustersOf } from '../fleet-clusters.ts';
import { addFormat, json } from '../format-option.ts';
import { agePromises, keepOnceFresh } from '../keep-fleet-fresh.ts';
import { openHomeDatabase } from '../open-database.ts';
import { renderTable } from '../render/table.ts';
import { addClusterOptions, addEngineOptions, addHostOptions, openRuntimes, type RuntimeOptions } from '../runtimes.ts';

const HELP = `
How old what runs is: the oldest copy (pod, container) of each workload, the oldest workload first. A promise is the number of
days that nothing may be older than: rollout.maxAge and rollout.workloads[].maxAge of a fleet file, or --max-age. --renew
keeps it now, as heraklit serve does in every round: by the newer image where one was released, else by new copies of the
same image (a restart by the cluster's own rollout; a replaced container, the new one healthy first). What fails goes back,
and is tried again a day later.

Examples:
  heraklit ages
  heraklit ages --fleet heraklit.yaml --fail-on over --format json
  heraklit ages --max-age 30 --namespace shop --renew
`;

interface AgesOptions extends RuntimeOptions {
  readonly fleet?: string;
  readonly maxAge?: string;
  readonly renew?: boolean;
  readonly failOn?: 'over';
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addFormat(addClusterOptions(addHostOptions(addEngineOptions(command))))
    .option('--fleet <file>', 'fleet file with the promises, and with further hosts')
    .option('--max-age <days>', 'promise for all that has none of its own')
    .option('--renew', 'renew what is over its promise')
    .addOption(new Option('--fail-on <what>', 'exit with 1 when something is over its promise').choices(['over']))
    .addHelpText('after', HELP)
    .action((options: AgesOptions) => run(options, context));
}

async function promisesOf(options: AgesOptions) {
  const { loadFleet } = await import('../../recipe/index.ts');
  const fleet = options.fleet === undefined ? undefined : await loadFleet(options.fleet);
  const days = options.maxAge === undefined ? undefined : Number(options.maxAge);
  if (days !== undefined && !(days > 0)) {
    throw cliError('CLI_USAGE', `--max-age takes days above 0, not ${JSON.stringify(options.maxAge)}`);
  }
  const named = fleet === undefined ? undefined : agePromises(fleet.document);
  const promises: AgePromises = { own: new Map(), ...named, ...(days === undefined ? {} : { maxAge: days }) };
  return { fleet, promises };
}

async function run(options: AgesOptions, context: CliContext): Promise<void> {
  const { fleet, promises } = await promisesOf(options);
  await using resources = new AsyncDisposableStack();
  const runtimes = await openRuntimes(
    options,
    fleet === undefined ? {} : { hosts: fleetHosts(fleet), clusters: clustersOf(fleet) },
  );
  for (const runtime of runtimes) resources.defer(async () => await runtime.close());
  const { workloadAges } = await import('../../rollout/index.ts');
  const unavailable = await Promise.all(runtimes.map((runtime) => runtime.unavailable()));
  const usable = runtimes.filter((_, index) => unavailable[index] === undefined);
  for (const [index, reason] of unavailable.entries()) {
    if (reason !== undefined) context.log.warn(`no ages on ${runtimes[index]?.name}: ${reason}`);
  }
  if (usable.length === 0) {
    throw cliError('CLI_USAGE', 'nothing to look at: neither a cluster nor podman or Docker answers');
  }
  let outcomes: readonly FreshnessOutcome[] | undefined;
  if (options.renew === true) {
    const database = await openHomeDatabase(context);
    resources.defer(async () => await database.close());
    const document = fleet?.document ?? {};
    outcomes = await keepOnceFresh({ database, runtimes: usable, document, promises, lead: 0 }, context);
    context.settle();
  }
  const ages = await workloadAges({ runtimes: usable, promises, log: context.log });
  context.print(options.format === 'json' ? json(report(ages, outcomes)) : table(ages, outcomes));
  const failed = outcomes?.some(({ kind }) => kind === 'failed' || kind === 'rolledback') ?? false;
  const over = options.failOn === 'over' && ages.some(({ state }) => state === 'over');
  if (failed || over) context.foundOverThreshold();
}

const DAY = 86_400_000;
const days = (milliseconds: number): string => (milliseconds / DAY).toFixed(1);

function report(ages: readonly WorkloadAge[], outcomes: readonly FreshnessOutcome[] | undefined): object {
  const workloads = ages.map(({ workload, copies, oldest, age, maxAge, state }) => ({
    workload: workload.id,
    image: workload.image,
    digest: workload.digest,
    copies,
    oldest: oldest === undefined ? undefined : { name: oldest.name, created: oldest.created.toISOString() },
    ageSeconds: Math.round(age / 1_000),
    maxAgeDays: maxAge,
    state,
  }));
  return { workloads, ...(outcomes === undefined ? {} : { renewals: outcomes }) };
}

function table(ages: readonly WorkloadAge[], outcomes: readonly FreshnessOutcome[] = []): string {
  const said = outcomes.map((one) => `${one.workload}  ${one.kind}${'reason' in one ? `: ${one.reason}` : ''}`);
  const rows = ages.filter(({ oldest }) => oldest !== undefined);
  if (rows.length === 0) return [...said, 'Nothing runs.'].join('\n');
  const text = renderTable(rows, [
    { title: 'WORKLOAD', value: ({ workload }) => workload.id },
    { title: 'COPIES', value: ({ copies }) => String(copies), align: 'right' },
    { title: 'OLDEST', value: ({ oldest }) => oldest?.name ?? '' },
    { title: 'DAYS', value: ({ age }) => days(age), align: 'right' },
    { title: 'PROMISED', value: ({ maxAge }) => (maxAge === undefined ? '-' : String(maxAge)), align: 'right' },
    { title: 'STATE', value: ({ state }) => (state === 'unpromised' ? '-' : state) },
  ]);
  return [...said, ...(said.length === 0 ? [] : ['']), text].join('\n');
}
