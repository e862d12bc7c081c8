import { join } from 'node:path';
import type { Command } from 'commander';
import type { CrawlReport } from '../../crawl/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { type CrawlSourceOptions, openSource } from '../crawl-source.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { openHomeDatabase } from '../open-database.ts';
import { addClusterOptions, addEngineOptions } from '../runtimes.ts';

const HELP = `
Puts every image of a source into the inventory, where \`where\`, \`outdated --all\` and the rest find them. Sources:

  registry:HOST         its catalogue, or the repositories of --repository; all tags, or those of --tag
  engine                images that podman or Docker of this host has; no registry is needed
  kubernetes            what the workloads of a cluster run, read from their registries
  folder:DIR            every OCI layout below a folder

A name that means what it meant last time costs one request for its digest; a layer is read once, whatever images have
it. Names that are gone end (their history stays). Interrupted, the next crawl goes on with what is missing. A registry
that asks to come slower is obeyed. Accounts: podman's and Docker's login files.

Exit code 1 when an image could not be read (they are listed), 3 when a source could not be listed at all.

Examples:
  heraklit crawl registry:registry.example.com --tag 'v*' --tag latest
  heraklit crawl registry:docker.io --repository library/nginx --tag '1.29*'
  heraklit crawl kubernetes --namespace shop engine folder:/srv/images
`;

interface CrawlCommandOptions extends CrawlSourceOptions {
  readonly platform?: string;
  readonly concurrency: string;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addFormat(addClusterOptions(addEngineOptions(command)))
    .argument('<source...>', 'registry:HOST, engine, engine:ADDRESS, kubernetes, folder:DIR')
    .option('--repository <glob...>', 'of a registry, only these repositories')
    .option('--tag <glob...>', 'of a registry, only these tags')
    .option('--platform <os/arch>', 'image of multi-platform indexes to read (default: this machine’s)')
    .option('--insecure', 'of a registry: plain HTTP, or a certificate that nobody vouches for')
    .option('--concurrency <n>', 'images looked at side by side', '4')
    .addHelpText('after', HELP)
    .action((sources: readonly string[], options: CrawlCommandOptions) => run(sources, options, context));
}

async function run(names: readonly string[], options: CrawlCommandOptions, context: CliContext): Promise<void> {
  const concurrency = Number(options.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64) {
    throw cliError('CLI_USAGE', `--concurrency takes 1 to 64, not ${JSON.stringify(options.concurrency)}`);
  }
  const [{ crawl }, { directoryLayerCache }, { parsePlatform }] = await Promise.all([
    import('../../crawl/index.ts'),
    import('../../inventory/index.ts'),
    import('../../oci/index.ts'),
  ]);
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  await using resources = new AsyncDisposableStack();
  const database = resources.adopt(await openHomeDatabase(context), (one) => one.close());
  const reports: CrawlReport[] = [];
  let failed: unknown;
  for (const name of names) {
    try {
      const source = resources.adopt(await openSource(name, options, platform, context), (one) => one.close());
      reports.push(
        await crawl(source, {
          database,
          layerCache: directoryLayerCache(join(context.home.cache, 'layers')),
          signal: context.signal,
          progress: context.progress,
          concurrency,
          now: () => new Date(),
        }),
      );
    } catch (error) {
      context.signal.throwIfAborted();
      // One registry that is down keeps nobody from the others.
      failed ??= error;
    }
  }
  context.settle();
  const { renderCrawl } = await import('../render/crawl.ts');
  if (reports.length > 0) context.print(options.format === 'json' ? json({ sources: reports }) : renderCrawl(reports));
  if (failed !== undefined) throw failed;
  if (reports.some(({ failures }) => failures.length > 0)) context.foundOverThreshold();
}
