import type { Command } from 'commander';
import type { EngineRuntime, Workload, WorkloadRuntime } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { toolsOnEngine } from '../debug-tools.ts';
import { cliError } from '../errors.ts';
import { addClusterOptions, addEngineOptions, addHostOptions, openRuntimes, type RuntimeOptions } from '../runtimes.ts';
import { addSourceOptions, type SourceOptions } from '../source-options.ts';
import { isTerminal, ownStreams } from '../terminal.ts';

const HELP = `
Runs a container with tools beside one of the workload, in its process and network namespaces: its processes are there, its
ports are localhost, its files are below /proc/1/root. The image of the workload needs no shell. On podman and Docker the
tools (bash, busybox, curl, gdb, iproute2, lsof, strace, …) are composed from Debian's packages and sent to the engine, and
the container is removed when the command ends. On Kubernetes it is an ephemeral container of a pod (which stays in the pod's
record until the pod ends) and --image names tools that the cluster can pull.

The exit code is the command's own. Without a terminal, or with --no-tty, outputs come apart.

Examples:
  heraklit debug web
  heraklit debug web -- ss -tlnp
  heraklit debug podman@web1:shop --engine-host web1=ssh://deploy@web1.example
  heraklit debug kubernetes:prod/shop/Deployment/web --image registry.example/debug-tools:1 -- strace -p 1
`;

interface DebugOptions extends RuntimeOptions, SourceOptions {
  readonly image?: string;
  readonly copy?: string;
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty: boolean;
  readonly updateTools?: boolean;
}

export function register(command: Command, context: CliContext): void {
  addSourceOptions(addClusterOptions(addHostOptions(addEngineOptions(command))))
    .argument('<workload>', 'id or name, as heraklit rollout lists them')
    .argument('[command...]', 'after --: what to run instead of a shell')
    .option('--image <ref>', 'tools of your own')
    .option('--copy <name>', 'this container or pod of the workload; else one that runs')
    .option('--container <name>', 'this container of the pod; else its first one')
    .option('-i, --stdin', 'pass standard input on, where it is no terminal')
    .option('--no-tty', 'no terminal, even where there is one')
    .option('--update-tools', 'choose the newest packages of the tools')
    .addHelpText('after', HELP)
    .action((workload: string, argv: readonly string[], options: DebugOptions) =>
      run(workload, argv, options, context),
    );
}

const isEngine = (runtime: WorkloadRuntime): runtime is EngineRuntime => 'reap' in runtime;

interface Found {
  readonly runtime: WorkloadRuntime;
  readonly workload: Workload;
}

/** The only workload of that name, on whichever runtime. */
async function find(runtimes: readonly WorkloadRuntime[], name: string): Promise<Found> {
  const found: Found[] = [];
  const reasons: string[] = [];
  for (const runtime of runtimes) {
    const reason = await runtime.unavailable();
    if (reason !== undefined) reasons.push(`${runtime.name}: ${reason}`);
    else
      for (const workload of await runtime.list()) {
        const names = [workload.id, workload.name, `${workload.namespace}/${workload.name}`];
        if (names.includes(name)) found.push({ runtime, workload });
      }
  }
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  if (only !== undefined) {
    throw cliError('CLI_USAGE', `${JSON.stringify(name)} is the name of several workloads`, {
      hint: `Name one by its id: ${found.map(({ workload }) => workload.id).join(', ')}.`,
    });
  }
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  throw cliError('CLI_USAGE', `nothing that runs is called ${JSON.stringify(name)}${why}`, {
    hint: '`heraklit rollout` lists what runs.',
  });
}

async function imageFor({ runtime }: Found, options: DebugOptions, context: CliContext): Promise<string> {
  if (options.image !== undefined) return options.image;
  if (isEngine(runtime)) return await toolsOnEngine(runtime, options, context);
  throw cliError('CLI_USAGE', 'a cluster pulls the tools by itself: name them with --image', {
    hint: 'docs/debug.md has a recipe; build it to a registry that the cluster reaches.',
  });
}

async function run(name: string, argv: readonly string[], options: DebugOptions, context: CliContext): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const runtimes = await openRuntimes(options);
  for (const runtime of runtimes) resources.defer(async () => await runtime.close());
  const found = await find(runtimes, name);
  const { runtime, workload } = found;
  if (runtime.debug === undefined) {
    throw cliError('CLI_USAGE', `${workload.id} is nothing that a container can run beside`);
  }
  if (isEngine(runtime)) await runtime.reap();
  const image = await imageFor(found, options, context);
  const tty = options.tty && isTerminal();
  const shell = options.image === undefined ? 'bash' : 'sh';
  const { streams, restore } = ownStreams(tty, tty || options.stdin === true);
  resources.defer(async () => restore());
  const request = {
    image,
    command: argv.length === 0 ? [shell] : argv,
    tty,
    environment: tty && process.env.TERM !== undefined ? { TERM: process.env.TERM } : {},
    ...(options.copy === undefined ? {} : { copy: options.copy }),
    ...(options.container === undefined ? {} : { container: options.container }),
  };
  const begin = (copy: string): void => context.log.info(`beside ${copy}, with ${image}`);
  context.endWith(await runtime.debug(workload, request, { ...streams, begin }, context.signal));
}
