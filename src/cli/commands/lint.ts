import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { LintProblem, LintSeverity } from '../../lint/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';

const HELP = `
What names a file is read as a Dockerfile, anything else as an image: secrets in any layer (deleted later or not),
set-user-id files, root, caches, waste, unpinned bases and more. Rules have stable ids (docs/lint.md); the comment
\`# heraklit ignore=RULE\` before an instruction keeps a rule from it. Secrets themselves are never printed.

Exit code 1 when a problem is as bad as --fail-on.

Examples:
  heraklit lint Dockerfile
  heraklit lint oci:layout:web registry.example.com/team/app:1 --fail-on warning --ignore shell
  heraklit lint --rules
`;

interface LintOptions {
  readonly format: OutputFormat;
  readonly failOn: LintSeverity | 'never';
  readonly ignore?: readonly string[];
  readonly rules?: boolean;
  readonly platform?: string;
}

interface Linted {
  readonly subject: string;
  readonly kind: 'dockerfile' | 'image';
  readonly problems: readonly LintProblem[];
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('[subject...]', 'images and Dockerfiles'))
    .addOption(
      new Option('--fail-on <severity>', 'how bad a problem must be for exit code 1')
        .choices(['error', 'warning', 'info', 'never'])
        .default('error'),
    )
    .option('--ignore <rule...>', 'rules not to apply')
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .option('--rules', 'list the rules')
    .addHelpText('after', HELP)
    .action((subjects: readonly string[], options: LintOptions) => run(subjects, options, context));
}

async function run(subjects: readonly string[], options: LintOptions, context: CliContext): Promise<void> {
  const lint = await import('../../lint/index.ts');
  const { renderLint, renderRules } = await import('../render/lint.ts');
  if (options.rules === true) {
    const rules = [
      ...lint.IMAGE_RULES.map(({ id, severity, meaning }) => ({ id, severity, of: 'image' as const, meaning })),
      ...lint.DOCKERFILE_RULES.map(({ id, severity, meaning }) => ({
        id,
        severity,
        of: 'dockerfile' as const,
        meaning,
      })),
    ];
    context.print(options.format === 'json' ? json({ rules }) : renderRules(rules));
    return;
  }
  if (subjects.length === 0) throw cliError('CLI_USAGE', 'name an image or a Dockerfile, or ask for --rules');
  const ignored = lint.checkRuleNames(options.ignore ?? []);
  const linted: Linted[] = [];
  for (const subject of subjects) {
    const isFile = (await stat(subject).catch(() => undefined))?.isFile() === true;
    const problems = isFile ? await ofFile(subject, ignored) : await ofImage(subject, ignored, options, context);
    linted.push({ subject, kind: isFile ? 'dockerfile' : 'image', problems });
  }
  context.settle();
  context.print(options.format === 'json' ? json({ subjects: linted }) : linted.map(renderLint).join('\n\n'));
  const { failOn } = options;
  if (failOn === 'never') return;
  if (linted.some(({ problems }) => problems.some((problem) => lint.reaches(problem, failOn)))) {
    context.foundOverThreshold();
  }
}

async function ofFile(path: string, ignored: ReadonlySet<string>): Promise<readonly LintProblem[]> {
  const [{ readFile }, { lintDockerfile }] = await Promise.all([
    import('node:fs/promises'),
    import('../../lint/index.ts'),
  ]);
  return lintDockerfile(await readFile(path, 'utf8'), ignored);
}

async function ofImage(
  text: string,
  ignored: ReadonlySet<string>,
  options: LintOptions,
  context: CliContext,
): Promise<readonly LintProblem[]> {
  const [oci, { openImage }, { directoryLayerCache }, { lintImage }] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../inventory/index.ts'),
    import('../../lint/index.ts'),
  ]);
  const reference = oci.parseReference(text);
  if (reference.kind === 'dir') {
    throw cliError('CLI_USAGE', `${text} is a root folder: it has no layers, history or config to look at`);
  }
  const image = await openImage(reference, {
    signal: context.signal,
    ...(options.platform === undefined ? {} : { platform: oci.parsePlatform(options.platform) }),
  });
  try {
    return await lintImage(image, reference, {
      layerCache: directoryLayerCache(join(context.home.cache, 'layers')),
      progress: context.progress,
      signal: context.signal,
      ignored,
    });
  } finally {
    await image.close();
  }
}
