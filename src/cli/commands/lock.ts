import type { Command } from 'commander';
import type { PackageChange } from '../../build/index.ts';
import type { LockedRecipe } from '../../engine/workshop/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { debianArchitecture } from '../debian-architecture.ts';
import { addFormat } from '../format-option.ts';
import { printable } from '../render/table.ts';
import { addSnapshotOption, addSourceOptions, type SourceOptions, workshopFrom } from '../source-options.ts';

interface LockOptions extends SourceOptions {
  readonly locked?: boolean;
  readonly update?: true | readonly string[];
  readonly pocket?: readonly string[];
  readonly arch?: string;
  readonly format: OutputFormat;
}

const HELP = `
Writes RECIPE.lock beside the recipe as a build would, without building: packages are chosen as apt chooses them, fetched
and verified, so that a build from the lock needs no network. A lock that fits stays as it is.

--update             chooses all packages anew; those on hold: in the recipe stay
--update PACKAGE...  moves these to their newest version, with what they need; all else stays. A pattern (libssl*) or a
                     source package (src:openssl) may stand for several
--locked             writes nothing, and fails with what changed when the lock does not fit the recipe

Examples:
  heraklit lock web.yaml
  heraklit lock web.yaml --update openssl
  heraklit lock web.yaml --update src:openssl 'libxml2*'
  heraklit lock web.yaml --locked
`;

export function register(command: Command, context: CliContext): void {
  addFormat(
    addSnapshotOption(addSourceOptions(command))
      .argument('<recipe>', 'recipe file (kind: Image)')
      .option('--update [package...]', 'choose packages anew: all, or these with what they need')
      .option('--locked', 'fail, naming what changed, unless the lock fits the recipe')
      .option('--pocket <name...>', 'repositories to use (default: release updates security)')
      .option('--arch <architecture>', 'the distribution’s word: amd64, arm64, … (default: this machine’s)'),
  )
    .addHelpText('after', HELP)
    .action((recipe: string, options: LockOptions) => run(recipe, options, context));
}

async function run(path: string, options: LockOptions, context: CliContext): Promise<void> {
  const [{ changesBetween }, { architecturesOf, lockRecipeFile }] = await Promise.all([
    import('../../build/index.ts'),
    import('../../engine/workshop/index.ts'),
  ]);
  const workshop = await workshopFrom(options, context);
  const architectures =
    options.arch === undefined ? ((await architecturesOf(path)) ?? [debianArchitecture()]) : [options.arch];
  const results: { readonly result: LockedRecipe; readonly changes: readonly PackageChange[] }[] = [];
  for (const architecture of architectures) {
    const result = await lockRecipeFile(
      path,
      {
        architecture,
        oneOfSeveral: architectures.length > 1,
        ...(options.locked === undefined ? {} : { locked: options.locked }),
        ...(options.update === undefined ? {} : { update: options.update }),
        ...(options.pocket === undefined ? {} : { pockets: options.pocket }),
      },
      workshop,
    );
    results.push({ result, changes: changesBetween(result.before, result.lock) });
  }
  if (options.format === 'table') {
    context.print(results.map(({ result, changes }) => describe(result, changes)).join('\n'));
    return;
  }
  const all = results.map(({ result, changes }) => facts(result, changes));
  context.print(JSON.stringify(all.length === 1 ? all[0] : { platforms: all }));
}

function facts({ recipe, lock, lockFile }: LockedRecipe, changes: readonly PackageChange[]): object {
  const { distribution, architecture, repositories, packages } = lock;
  return { name: recipe.name, lockFile, distribution, architecture, repositories, packages: packages.length, changes };
}

function describe({ recipe, before, lock, lockFile }: LockedRecipe, changes: readonly PackageChange[]): string {
  const head = `${recipe.name}: ${lock.packages.length} packages of ${lock.architecture} locked in ${lockFile}`;
  if (before === undefined) return head;
  if (changes.length === 0) return `${head}, as before`;
  return [head, ...changes.map(changeLine)].join('\n');
}

function changeLine({ package: name, architecture, from, to }: PackageChange): string {
  const item = `${name}:${architecture}`;
  if (from === undefined) return printable(`+ ${item} ${to}`);
  if (to === undefined) return printable(`- ${item} ${from}`);
  return printable(`~ ${item} ${from} → ${to}`);
}
