import { join } from 'node:path';
import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addEngineOptions, openEngine, type RuntimeOptions } from '../runtimes.ts';

const HELP = `
Always checked, without starting anything: packages configured, package database whole, /usr still merged, the command
exists, is executable, fits the machine and finds its interpreter and libraries. An image in a registry is started too
where podman or Docker is there: it must stay up (or end with 0), answer its ports and the checks given.
Exit code 1 when a check fails.

Examples:
  heraklit verify oci:web:1
  heraklit verify registry.example.com/shop/web:1 --http 8080/healthz=200
`;

interface VerifyOptions extends RuntimeOptions {
  readonly http?: string;
  readonly timeout: string;
  readonly start: boolean;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addFormat(addEngineOptions(command))
    .argument('<ref>', 'image to test')
    .option('--http <check>', 'PORT[/PATH][=STATUS] must answer')
    .option('--timeout <seconds>', 'for all checks of the started image', '60')
    .option('--no-start', 'only what can be read')
    .addHelpText('after', HELP)
    .action((reference: string, options: VerifyOptions) => run(reference, options, context));
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

async function run(text: string, options: VerifyOptions, context: CliContext): Promise<void> {
  const timeout = Number(options.timeout);
  if (!(timeout > 0))
    throw cliError('CLI_USAGE', `--timeout takes seconds above 0, not ${JSON.stringify(options.timeout)}`);
  const http = options.http === undefined ? undefined : parseHttp(options.http);
  const [oci, transport, build, { directoryLayerCache }, verify] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../build/index.ts'),
    import('../../inventory/cache/index.ts'),
    import('../../verify/index.ts'),
  ]);
  const reference = oci.parseReference(text);
  await using resources = new AsyncDisposableStack();
  const image = resources.adopt(await transport.openImage(reference, { signal: context.signal }), (one) => one.close());
  const pullable =
    reference.kind === 'docker'
      ? oci.formatReference({ ...reference, tag: undefined, digest: image.digest })
      : undefined;
  const runtime = options.start ? resources.adopt(await openEngine(options), (one) => one.close()) : undefined;
  const layerCache = directoryLayerCache(join(context.home.cache, 'layers'));
  const result = await verify.verifyImage(
    { image, ...(pullable === undefined ? {} : { reference: pullable }) },
    {
      facts: build.createLayerFactsReader(join(context.home.cache, 'facts'), layerCache),
      layerCache,
      signal: context.signal,
      checks: { timeout, ...(http === undefined ? {} : { http }) },
      ...(runtime === undefined ? {} : { runtime }),
    },
  );
  context.settle();
  const rows = result.steps.map(({ name, passed, detail }) => `${passed ? 'passed' : 'FAILED'}  ${name}: ${detail}`);
  context.print(
    options.format === 'json'
      ? json(result)
      : [...rows, `${result.passed ? 'passed' : 'FAILED'}  ${result.digest}`].join('\n'),
  );
  if (!result.passed) context.foundOverThreshold();
}
