import type { Command } from 'commander';
import type { Workload } from '../../runtime/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat, json } from '../format-option.ts';
import { printable, renderTable } from '../render/table.ts';
import { addClusterOptions, nearCluster, type RuntimeOptions } from '../runtimes.ts';

const HELP = `
Releases of Helm whose values name images that run, and what an upgrade to another image would change. diff asks helm for a dry
run with the release's own values and those for the image, and shows the manifests line by line; nothing is changed. heraklit
rollout and serve upgrade releases in the same way, wait, and go back to the revision before when the new one is not healthy.

Examples:
  heraklit helm list --namespace shop
  heraklit helm diff shop/web --image registry.example.com/shop/web@sha256:…
  heraklit helm diff shop/web --image … --place sidecars[0].image --chart 'example/web 1.2.3'
`;

interface HelmOptions extends RuntimeOptions {
  readonly format: OutputFormat;
  readonly image: string;
  readonly place?: string;
  readonly chart?: string;
}

export function register(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP);
  addFormat(
    addClusterOptions(command.command('list').description('releases, and where their values name images')),
  ).action((options: HelmOptions) => list(options, context));
  addFormat(addClusterOptions(command.command('diff').description('what an upgrade to an image would change')))
    .argument('<release>', 'NAME or NAMESPACE/NAME')
    .requiredOption('--image <ref@digest>', 'image to upgrade to')
    .option('--place <path>', 'of the values, where several name images: api.image')
    .option('--chart <chart>', "'CHART [VERSION]' as helm finds it, for charts with dependencies")
    .action((release: string, options: HelmOptions) => diff(release, options, context));
}

async function list(options: HelmOptions, context: CliContext): Promise<void> {
  const { createHelmRuntime } = await import('../../runtime/index.ts');
  const runtime = createHelmRuntime({ ...nearCluster(options), log: context.log });
  try {
    const releases = await runtime.list();
    context.print(options.format === 'json' ? json({ releases }) : table(releases));
  } finally {
    await runtime.close();
  }
}

function table(releases: readonly Workload[]): string {
  const rows = releases.flatMap(({ id, containers }) => containers.map((one) => ({ id, ...one })));
  if (rows.length === 0) return 'No release names an image that runs.';
  return renderTable(rows, [
    { title: 'RELEASE', value: ({ id }) => id },
    { title: 'PLACE', value: ({ name }) => name },
    { title: 'IMAGE', value: ({ image }) => image },
  ]);
}

async function diff(release: string, options: HelmOptions, context: CliContext): Promise<void> {
  const { changedLines, createHelmRuntime } = await import('../../runtime/index.ts');
  const { chart } = options;
  const runtime = createHelmRuntime({
    ...nearCluster(options),
    ...(chart === undefined ? {} : { chart }),
    log: context.log,
  });
  try {
    const { lines, ...facts } = await runtime.simulate(release, options.image, options.place, context.signal);
    const changes = changedLines(lines);
    if (options.format === 'json') return context.print(json({ ...facts, changes }));
    const head = [`${facts.release}, revision ${facts.revision}`, ...facts.set.map((one) => `  ${one}`), ''];
    context.print([...head, ...(changes.length === 0 ? ['Nothing changes.'] : changes)].map(printable).join('\n'));
  } finally {
    await runtime.close();
  }
}
