import type { Command } from 'commander';
import type { Database } from '../../database/index.ts';
import type { HealthCheck, RolloutOutcome, Workload, WorkloadRuntime } from '../../runtime/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { fleetHosts } from '../engine-hosts.ts';
import { cliError } from '../errors.ts';
import { clustersOf, helmOf } from '../fleet-clusters.ts';
import { loadFleetAndSources } from '../fleet-sources.ts';
import { addFormat, json } from '../format-option.ts';
import { openGitopsRuntimes } from '../gitops-runtimes.ts';
import { openHomeDatabase } from '../open-database.ts';
import { addStrategyOptions, type StrategyOptions, strategySettings } from '../rollout-options.ts';
import { commandPlan } from '../rollout-plan.ts';
import { carryContext } from '../rollout-setup.ts';
import { OWNER } from '../rollouts.ts';
import { addClusterOptions, addEngineOptions, addHostOptions, openRuntimes, type RuntimeOptions } from '../runtimes.ts';
import { secondsOf } from '../span.ts';
import { registerControl } from './rollout-control.ts';

const HELP = `
Without --image: what runs where. With it, the workloads named (or all that use what the image supersedes) are replaced
one by one; the first that does not become healthy goes back to what it ran, its digest is quarantined and the command
ends with exit code 1. Called again after a crash it goes on where it stopped.

Every rollout has a number: status, history, pause, resume, abort, approve, rollback say or change how it goes on, and
simulate what it would do (docs/rollout.md).

Strategies (docs/rollout.md): --steps makes it a canary, of a StatefulSet by its partition. Held at until-resumed, or waiting
for a window or an approval, it is carried on by heraklit serve, or here by heraklit rollout resume N. What the command line
cannot say (stages, zones, Prometheus) stands in the file of --fleet.

Examples:
  heraklit rollout
  heraklit rollout status
  heraklit rollout web --image registry.example.com/shop/web@sha256:… --steps 10,50 --pause 2m --traffic gateway:shop \\
    --health-http 'https://apm.example.com/errors?pods={{side.members}}#/rate<=0.01'
  heraklit rollout web --image registry.example.com/shop/web@sha256:… --strategy blue-green --service web --keep 10m
  heraklit rollout web --image registry.example.com/shop/web@sha256:… --deadline 120 --health http:8080/healthz
`;

interface RolloutOptions extends RuntimeOptions, StrategyOptions {
  readonly image?: string;
  readonly fleet?: string;
  readonly deadline?: string;
  readonly batch?: string;
  readonly health?: string;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  registerControl(command, context);
  addFormat(addClusterOptions(addHostOptions(addEngineOptions(addStrategyOptions(command)))))
    .argument('[workloads...]', 'names, namespace/name or ids, in this order')
    .option('--image <ref@digest>', 'image to roll out, pullable from where it is to run')
    .option('--fleet <file>', 'fleet file whose rollout and zones sections it goes by, where options say nothing')
    .option('--deadline <time>', 'without progress, until a workload is rolled back (default: 300, or the fleet’s)')
    .option('--batch <n>', 'workloads at once (default: 1, or the fleet’s)')
    .option('--health <check>', 'http:PORT/PATH, tcp:PORT or running; what the workload itself says otherwise')
    .addHelpText('after', HELP)
    .action((workloads: readonly string[], options: RolloutOptions) => run(workloads, options, context));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw cliError('CLI_USAGE', `${name} takes a number above 0, not ${JSON.stringify(text)}`);
}

/** `http:8080/healthz`, `tcp:5432`, `running`. */
export function parseHealth(text: string): HealthCheck {
  const match = /^(?:(running)|tcp:(\d{1,5})|http:(\d{1,5})(\/.*)?)$/.exec(text);
  const port = Number(match?.[2] ?? match?.[3] ?? 1);
  if (match === null || port < 1 || port > 65_535) {
    throw cliError('CLI_USAGE', `--health takes http:PORT/PATH, tcp:PORT or running, not ${JSON.stringify(text)}`);
  }
  if (match[1] !== undefined) return { kind: 'running' };
  return match[2] !== undefined ? { kind: 'tcp', port } : { kind: 'http', port, path: match[4] ?? '/' };
}

async function readImage(text: string) {
  const { formatReference, parseReference } = await import('../../oci/index.ts');
  const reference = parseReference(text);
  if (reference.kind !== 'docker' || reference.digest === undefined) {
    throw cliError('CLI_USAGE', `--image takes HOST/REPOSITORY@DIGEST, not ${JSON.stringify(text)}`, {
      hint: 'A tag may move between two workloads; a digest is the same image everywhere.',
    });
  }
  const { tag, digest } = reference;
  return { image: formatReference({ ...reference, tag: undefined }), digest, ...(tag === undefined ? {} : { tag }) };
}

function describe(outcome: RolloutOutcome): string {
  if (outcome.kind === 'unchanged') return `${outcome.workload}  unchanged`;
  if (outcome.kind === 'proposed') return `${outcome.workload}  proposed: ${outcome.reason}`;
  const seconds = (outcome.milliseconds / 1000).toFixed(1);
  const note = outcome.interrupted ? ', with an interruption: old and new cannot run at once' : '';
  const blame = outcome.kind === 'rolledback' ? ` (${outcome.blame})` : '';
  const why = 'reason' in outcome ? `: ${outcome.reason}${blame}` : '';
  return `${outcome.workload}  ${outcome.kind} in ${seconds} s${note}${why}`;
}

const line = ({ id, replicas, containers }: Workload): string =>
  containers.map(({ image, digest }) => `${id}  ${replicas}  ${image}  ${digest ?? '-'}`).join('\n');

async function run(workloads: readonly string[], options: RolloutOptions, context: CliContext): Promise<void> {
  const image = options.image === undefined ? undefined : await readImage(options.image);
  const asked = await askedFor(workloads, options, context);
  await using resources = new AsyncDisposableStack();
  const { fleet } = asked;
  const further = fleet === undefined ? {} : { hosts: fleetHosts(fleet), clusters: clustersOf(fleet) };
  const runtimes: readonly WorkloadRuntime[] = [
    ...(await openRuntimes(options, { ...further, helm: helmOf(fleet?.document ?? {}, context.log) })),
    ...(fleet === undefined ? [] : await openGitopsRuntimes(fleet, context)),
  ];
  for (const runtime of runtimes) resources.defer(async () => await runtime.close());
  const database = await openHomeDatabase(context);
  resources.defer(async () => await database.close());
  const { rollOutPlanned, surveyWorkloads } = await import('../../rollout/index.ts');
  const { home, log, progress, signal } = context;
  if (image === undefined) {
    const found = (await surveyWorkloads({ database, runtimes, progress, signal })).flatMap(([, all]) => all);
    context.print(
      options.format === 'json' ? json({ workloads: found }) : found.map(line).join('\n') || 'Nothing runs.',
    );
    return;
  }
  const { openWorkshop } = await import('../../engine/index.ts');
  const workshop = openWorkshop({ home, log, progress, signal });
  const stage = { ...(await carryContext({ fleet, database, runtimes, workshop, context })), progress };
  const repository = repositoryOf(image.image);
  const name = (await fleetImageOf(database, repository)) ?? repository;
  const plan = await commandPlan({ ...asked, image: name });
  const { tag, ...pulled } = image;
  const wanted = { ...pulled, tag, name: repository, fleet: undefined, repository, previous: undefined };
  const result = await rollOutPlanned(
    stage,
    { ...wanted, cause: 'command', plan, anyTime: false, carrier: 'loop' },
    OWNER.name,
  );
  context.settle();
  const { outcomes, skipped } = result;
  const waits = result.waits === undefined ? [] : [`rollout ${result.rollout} waits: ${result.waits}`];
  const rows = [...outcomes.map(describe), ...skipped.map((id) => `${id}  left alone`), ...waits];
  context.print(
    options.format === 'json' ? json(result) : rows.join('\n') || `Nothing uses what ${image.image} supersedes.`,
  );
  if (outcomes.some(({ kind }) => kind === 'rolledback' || kind === 'overtaken')) context.foundOverThreshold();
}

async function askedFor(workloads: readonly string[], options: RolloutOptions, context: CliContext) {
  const { deadline, batch, health, approval = false, fleet } = options;
  return {
    ...{ workloads, approval, settings: await strategySettings(options) },
    deadline: deadline === undefined ? undefined : positive('--deadline', String(secondsOf('--deadline', deadline))),
    batch: batch === undefined ? undefined : positive('--batch', batch),
    health: health === undefined ? undefined : parseHealth(health),
    fleet: fleet === undefined ? undefined : await loadFleetAndSources(fleet, context, { offline: true }),
  };
}

const repositoryOf = (image: string): string => image.split('@')[0] ?? image;

/** Image of a fleet that is released under this repository. */
async function fleetImageOf({ kysely }: Database, repository: string): Promise<string | undefined> {
  const path = repository.slice(repository.indexOf('/') + 1);
  const row = await kysely.selectFrom('fleet_image').select('name').where('repository', '=', path).executeTakeFirst();
  return row?.name;
}
