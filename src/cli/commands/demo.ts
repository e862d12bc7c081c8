import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { DEMO_MARKER } from '../demo/marker.ts';
import { cliError } from '../errors.ts';
import { addFormat } from '../format-option.ts';

interface DemoCommandOptions {
  readonly folder?: string;
  readonly json?: boolean;
  readonly format: OutputFormat;
  readonly containers: boolean;
  readonly fresh?: boolean;
  readonly mirror?: string;
}

const HELP = `
A fleet of 14 images in three levels is composed from the release pocket of Debian stable alone. Then the security and
updates pockets arrive: heraklit shows what misses what, plans, builds in dependency order, tests, publishes to its own
registry, announces each step and, where podman is present, replaces running containers one by one under load.
Downloads about 60 MB the first time. A second run finds nothing to do.
`;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .option('--folder <dir>', 'scratch folder (default: heraklit-demo-USER in the system’s temporary folder)')
    .option('--fresh', 'empty the scratch folder first')
    .option('--no-containers', 'end after publishing')
    .option('--mirror <url>', 'package mirror, for example https://HOST/debian')
    .option('--json', 'print one result document instead')
    .addHelpText('after', HELP)
    .action((options: DemoCommandOptions) => run(options, context));
}

async function run(options: DemoCommandOptions, context: CliContext): Promise<void> {
  const { demo } = await import('../demo/demo.ts');
  const folder = options.folder ?? join(tmpdir(), `heraklit-demo-${userInfo().username}`);
  if (options.fresh === true) await emptyFolder(folder);
  const json = options.json === true || options.format === 'json';
  const report = await demo(
    {
      folder,
      json,
      containers: options.containers,
      ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    },
    context,
  );
  if (json) context.print(JSON.stringify(report, null, 2));
}

/** Empties the demo's own folder, and no other one: a mistyped --folder must not cost anybody their files. */
async function emptyFolder(folder: string): Promise<void> {
  const { access, readdir, rm } = await import('node:fs/promises');
  const entries = await readdir(folder).catch(() => []);
  if (entries.length === 0) return;
  const isDemo = await access(join(folder, DEMO_MARKER)).then(
    () => true,
    () => false,
  );
  if (!isDemo) {
    throw cliError('CLI_USAGE', `${folder} is not empty and no earlier demo made it: --fresh leaves it alone`, {
      hint: 'Name an empty folder, or empty this one yourself.',
    });
  }
  await rm(folder, { recursive: true, force: true });
}
