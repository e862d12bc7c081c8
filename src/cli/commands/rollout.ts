import type { Command } from 'commander';
import type { HealthCheck, RolloutOutcome, Workload, WorkloadRuntime } from '../../runtime/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { openHomeDatabase } from '../open-database.ts';
import { addClusterOptions, addEngineOptions, addHostOptions, openRuntimes, type RuntimeOptions } from '../runtimes.ts';
import { registerControl } from './rollout-control.ts';

const HELP = `
Without --image: what runs where. With it, the workloads named (or all that use what the image supersedes) are replaced
one by one; the first that does not become healthy goes back to what it ran, its digest is quarantined and the command
ends with exit code 1. Called again after a crash it goes on where it stopped.

Every rollout has a number: status, history, pause, resume, abort, approve, rollback say or change how it goes on, and
simulate what it would do (docs/rollout.md).

Examples:
  heraklit rollout
  heraklit rollout status
  heraklit rollout web --image registry.example.com/shop/web@sha256:… --deadline 120 --health http:8080/healthz
`;

interface RolloutOptions extends RuntimeOptions {
  readonly image?: string;
  readonly deadline: string;
  readonly batch: string;
  readonly health?: string;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  registerControl(command, context);
  addFormat(addClusterOptions(addHostOptions(addEngineOptions(command))))
    .argument('[workloads...]', 'names, namespace/name or ids, in this order')
    .option('--image <ref@digest>', 'image to roll out, pullable from where it is to run')
    .option('--deadline <seconds>', 'without progress, until a workload is rolled back', '300')
    .option('--batch <n>', 'workloads at once', '1')
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
  const deadline = positive('--deadline', options.deadline) * 1000;
  const batch = positive('--batch', options.batch);
  const health = options.health === undefined ? undefined : parseHealth(options.health);
  const image = options.image === undefined ? undefined : await readImage(options.image);
  await using resources = new AsyncDisposableStack();
  const runtimes: readonly WorkloadRuntime[] = await openRuntimes(options, { helm: { log: context.log } });
  for (const runtime of runtimes) resources.defer(async () => await runtime.close());
  const database = await openHomeDatabase(context);
  resources.defer(async () => await database.close());
  const { rollOut, surveyWorkloads } = await import('../../rollout/index.ts');
  const { progress, signal } = context;
  const stage = { database, runtimes, progress, signal };
  if (image === undefined) {
    const found = (await surveyWorkloads(stage)).flatMap(([, all]) => all);
    context.print(
      options.format === 'json' ? json({ workloads: found }) : found.map(line).join('\n') || 'Nothing runs.',
    );
    return;
  }
  const request = { ...image, workloads, deadline, batch, ...(health === undefined ? {} : { health }) };
  const result = await rollOut(stage, request);
  context.settle();
  const { outcomes, skipped } = result;
  const waits = result.waits === undefined ? [] : [`rollout ${result.rollout} waits: ${result.waits}`];
  const rows = [...outcomes.map(describe), ...skipped.map((id) => `${id}  left alone`), ...waits];
  context.print(
    options.format === 'json' ? json(result) : rows.join('\n') || `Nothing uses what ${image.image} supersedes.`,
  );
  if (outcomes.some(({ kind }) => kind === 'rolledback' || kind === 'overtaken')) context.foundOverThreshold();
}
