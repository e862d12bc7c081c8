import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { VerifyChecks } from '../../recipe/index.ts';
import type { Verification } from '../../verify/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addEngineOptions, openEngine, type RuntimeOptions } from '../runtimes.ts';
import { serveImage } from '../serve-image.ts';

const HELP = `
Always checked, without starting anything: packages configured, package database whole, /usr still merged, the command
exists, is executable, fits the machine and finds its interpreter and library. Where podman or Docker is there the image
is started too: it must stay up (or end with 0), answer its ports and the checks given.
--tests names a file of kind Tests: services, candidate, steps (http, tcp, exec, log, test, run) or a compose file. They
run in a network without a route outside; what they start is removed afterwards, and what a killed heraklit left is
removed by the next one, or by --reap. docs/verify.md has every key.
--kubernetes runs them as Jobs of a cluster. Its nodes have to reach the registry of the image; one of a folder or archive
is served on loopback, which only a cluster on this machine reaches.
Exit code 0 passed, 1 failed, 2 wrong use, 3 could not be tested (engine, cluster or a service the tests need failed).

Examples:
  heraklit verify oci:web:1
  heraklit verify registry.example.com/shop/web:1 --http 8080/healthz=200
  heraklit verify oci:web:1 --tests web.tests.yaml --format junit
  heraklit verify registry.example.com/shop/web:1 --tests web.tests.yaml --kubernetes heraklit-tests
  heraklit verify --kept web
  heraklit verify --reap
`;

interface VerifyOptions extends RuntimeOptions {
  readonly http?: string;
  readonly timeout?: string;
  readonly start: boolean;
  readonly tests?: string;
  readonly allow?: readonly ('run' | 'mounts')[];
  readonly reap?: boolean;
  readonly kept?: string;
  /** Namespace. */
  readonly kubernetes?: string;
  readonly pullSecret?: string;
  readonly format: OutputFormat | 'junit';
}

export function register(command: Command, context: CliContext): void {
  addFormat(addEngineOptions(command), ['table', 'json', 'junit'])
    .argument('[ref]', 'image to test')
    .option('--http <check>', 'PORT[/PATH][=STATUS] must answer')
    .option('--tests <file>', 'services, steps or a compose file to test it with')
    .addOption(
      new Option('--allow <what...>', 'what tests may use of this host: commands, folders').choices(['run', 'mounts']),
    )
    .option('--timeout <seconds>', 'for all checks of the started image (default: 60, of tests 300)')
    .option('--no-start', 'only what can be read')
    .option('--kubernetes <namespace>', 'as Jobs of a cluster, in this namespace, instead of podman or Docker')
    .option('--kubeconfig <file>', 'of that cluster; KUBECONFIG and service accounts are found by themselves')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--pull-secret <name>', 'Secret of the namespace that its nodes pull with')
    .option('--reap', 'only remove what tests of killed processes left')
    .option('--kept <image>', 'only show results kept of an image of the home, or the one of an id')
    .addHelpText('after', HELP)
    .action((reference: string | undefined, options: VerifyOptions) => run(reference, options, context));
}

function parseHttp(text: string) {
  const match = /^(\d{1,5})(\/[^=]*)?(?:=(\d{3}))?$/.exec(text);
  if (match === null) throw cliError('CLI_USAGE', `--http takes PORT[/PATH][=STATUS], not ${JSON.stringify(text)}`);
  const [, port, path, status] = match;
  return {
    port: Number(port),
    ...(path === undefined ? {} : { path }),
    ...(status === undefined ? {} : { status: Number(status) }),
  };
}

/** What the command line says, in the words of a fleet file. */
function checksOf({ http, timeout, tests, allow }: VerifyOptions): VerifyChecks {
  const seconds = timeout === undefined ? undefined : Number(timeout);
  if (seconds !== undefined && !(seconds > 0)) {
    throw cliError('CLI_USAGE', `--timeout takes seconds above 0, not ${JSON.stringify(timeout)}`);
  }
  return {
    ...(seconds === undefined ? {} : { timeout: seconds }),
    ...(http === undefined ? {} : { http: parseHttp(http) }),
    ...(tests === undefined ? {} : { tests: resolve(tests) }),
    ...(allow === undefined ? {} : { allow }),
  };
}

/** Undefined: on the engine. */
async function openCluster({ kubernetes, kubeconfig, context, pullSecret }: VerifyOptions) {
  if (kubernetes === undefined) return undefined;
  const { kubernetesRunner } = await import('../../verify/index.ts');
  return kubernetesRunner({
    namespace: kubernetes,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(pullSecret === undefined ? {} : { pullSecret }),
  });
}

async function reap(options: VerifyOptions, context: CliContext): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const where = (await openCluster(options)) ?? (await openEngine(options));
  const removed = await resources.adopt(where, (one) => one.close()).reap();
  context.settle();
  context.print(options.format === 'json' ? json({ removed }) : `removed ${removed}`);
}

async function showKept(image: string, { format }: VerifyOptions, context: CliContext): Promise<void> {
  const [{ openHomeDatabase }, { readVerifications }] = await Promise.all([
    import('../open-database.ts'),
    import('../../verify/index.ts'),
  ]);
  const database = await openHomeDatabase(context);
  try {
    const verifications = await readVerifications(database.kysely, image);
    context.settle();
    if (format === 'json') return context.print(json({ verifications }));
    const rows = verifications.flatMap(({ id, outcome, finished, digest, reason }) => [
      `${finished.toISOString()}  ${outcome}  ${digest}  ${id}`,
      ...(reason === undefined ? [] : [`  ${reason}`]),
    ]);
    context.print(rows.length === 0 ? `no result is kept of ${image}` : rows.join('\n'));
  } finally {
    await database.close();
  }
}

async function run(text: string | undefined, options: VerifyOptions, context: CliContext): Promise<void> {
  if (options.reap === true && text === undefined) return await reap(options, context);
  if (options.kept !== undefined && text === undefined) return await showKept(options.kept, options, context);
  if (text === undefined) throw cliError('CLI_USAGE', 'which image? `heraklit verify REF`, or `--reap` alone');
  const [oci, transport, build, { directoryLayerCache }, verify] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../build/index.ts'),
    import('../../inventory/cache/index.ts'),
    import('../../verify/index.ts'),
  ]);
  const suite = await verify.loadSuite(checksOf(options), process.cwd());
  const reference = oci.parseReference(text);
  await using resources = new AsyncDisposableStack();
  const image = resources.adopt(await transport.openImage(reference, { signal: context.signal }), (one) => one.close());
  const cluster = options.start ? await openCluster(options) : undefined;
  const runner = cluster === undefined ? undefined : resources.adopt(cluster, (one) => one.close());
  const onEngine = options.start && runner === undefined;
  const runtime = onEngine ? resources.adopt(await openEngine(options), (one) => one.close()) : undefined;
  const pullable = async (): Promise<string | undefined> => {
    if (reference.kind === 'docker') return oci.formatReference({ ...reference, tag: undefined, digest: image.digest });
    const where = runner ?? runtime;
    if (where === undefined || (await where.unavailable()) !== undefined) return undefined;
    return resources.adopt(await serveImage(image, context), (one) => one.close()).reference;
  };
  const from = await pullable();
  const layerCache = directoryLayerCache(join(context.home.cache, 'layers'));
  const result = await verify.verifyImage(
    { image, ...(from === undefined ? {} : { reference: from }) },
    {
      facts: build.createLayerFactsReader(join(context.home.cache, 'facts'), layerCache),
      layerCache,
      signal: context.signal,
      checks: suite.suite,
      // Without starting anything there is nothing to test with.
      ...(options.start ? { suite } : {}),
      ...(runtime === undefined ? {} : { runtime }),
      ...(runner === undefined ? {} : { runner }),
    },
  );
  context.settle();
  context.print(render(text, result, options.format, verify.renderJunit));
  if (result.environment !== undefined) {
    throw verify.verifyError('VERIFY_ENVIRONMENT', `${text} could not be tested: ${result.environment}`, {
      hint: 'Try again when the engine and the services of the tests are well; the image itself is not to blame.',
    });
  }
  if (!result.passed) context.foundOverThreshold();
}

function render(
  reference: string,
  result: Verification,
  format: VerifyOptions['format'],
  junit: (reference: string, result: Verification) => string,
): string {
  if (format === 'json') return json(result);
  if (format === 'junit') return junit(reference, result);
  const rows = result.steps.map(({ name, passed, detail }) => `${passed ? 'passed' : 'FAILED'}  ${name}: ${detail}`);
  // Logs are looked at when something went wrong.
  const logs = result.passed
    ? []
    : result.logs.flatMap(({ part, text }) => (text === '' ? [] : [`==> ${part} <==`, text]));
  return [...rows, ...logs, `${result.passed ? 'passed' : 'FAILED'}  ${result.digest}`].join('\n');
}
