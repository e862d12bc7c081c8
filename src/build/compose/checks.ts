import { mkdir, mkdtemp, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeraklitError, writeCacheFile } from '../../base/index.ts';
import { digestHex, flattenLayers, type LayerIndex, type ResolvedImage } from '../../oci/index.ts';
import type { RecipeCheck } from '../../recipe/index.ts';
import { createSandbox, type RunResult, type Sandbox } from '../../runtime/sandbox/index.ts';
import { ahead } from './ahead.ts';
import { indexOf, LAYERS_AHEAD, plainLayer, unpackImage } from './base-image.ts';
import { composeError } from './errors.ts';
import { fileFault } from './file-check.ts';
import type { ComposeRequest } from './types.ts';

const DEFAULT_TIMEOUT = 60;
/** A program that goes too far has failed its check; the others are tried all the same. */
const LIMITS = [
  ...['SANDBOX_TIMEOUT', 'SANDBOX_OUTPUT_LIMIT', 'SANDBOX_MEMORY_LIMIT'],
  ...['SANDBOX_PROCESS_LIMIT', 'SANDBOX_SPACE_LIMIT'],
];
/** Bytes of a check's output that are kept, and characters of it that a message shows. */
const MAX_OUTPUT = 1024 ** 2;
const OUTPUT_SHOWN = 2000;

interface Failure {
  readonly check: string;
  readonly why: string;
  readonly output: string;
}

/**
 * Holds a finished image against what its recipe says must be so; an image that has passed is not asked again. Programs
 * run as root of the image in a sandbox without network, and what they write is thrown away.
 *
 * @throws COMPOSE_CHECK_FAILED naming every check that failed, SANDBOX_UNAVAILABLE
 */
export async function runChecks(request: ComposeRequest, image: ResolvedImage): Promise<void> {
  const checks = request.recipe.checks ?? [];
  if (checks.length === 0) return;
  // The digest covers the recipe, and so the checks.
  const passed = join(request.cache, 'compose', 'checks', digestHex(image.digest));
  if ((await readFile(passed, 'utf8').catch(() => '')) === 'passed') return;
  request.progress?.update('checks', 0, checks.length);
  const failures = [...(await fileFailures(image, checks)), ...(await runFailures(request, image, checks))];
  request.progress?.update('checks', checks.length, checks.length);
  if (failures.length > 0) throw failed(request.recipe.name, failures);
  await writeCacheFile(passed, 'passed');
}

function failed(name: string, failures: readonly Failure[]): Error {
  const lines = failures.map(({ check, why, output }) => {
    const shown = output.trim().slice(-OUTPUT_SHOWN);
    return `${check}: ${why}${shown === '' ? '' : `\n${shown}`}`;
  });
  const count = failures.length === 1 ? 'a check' : `${failures.length} checks`;
  return composeError('COMPOSE_CHECK_FAILED', `${name} fails ${count}:\n${lines.join('\n')}`, {
    hint: 'The image was not saved. Mend the recipe, or what its `checks` expect.',
    details: { failures },
  });
}

async function fileFailures(image: ResolvedImage, checks: readonly RecipeCheck[]): Promise<readonly Failure[]> {
  const files = checks.flatMap((check) => (check.file === undefined ? [] : [{ check, path: check.file }]));
  if (files.length === 0) return [];
  const indexes: LayerIndex[] = [];
  const layers = image.manifest.layers;
  for await (const bytes of ahead(layers, LAYERS_AHEAD, (layer) => plainLayer(image, layer))) {
    indexes.push(await indexOf(bytes));
  }
  const tree = flattenLayers(indexes);
  return files.flatMap(({ check, path }) => {
    const why = fileFault(tree, path, check);
    return why === undefined ? [] : [{ check: path, why, output: '' }];
  });
}

async function runFailures(
  request: ComposeRequest,
  image: ResolvedImage,
  checks: readonly RecipeCheck[],
): Promise<readonly Failure[]> {
  const runs = checks.flatMap((check) => (check.run === undefined ? [] : [{ check, argv: check.run }]));
  if (runs.length === 0) return [];
  await mkdir(request.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(request.scratch, 'checks-'));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(request.log ? { log: request.log } : {}) });
    try {
      await unpackImage(image, await sandbox.directory('image'));
      await sandbox.mount(['image']);
      const failures: Failure[] = [];
      for (const { check, argv } of runs) {
        const failure = await runOne(request, sandbox, image, check, argv);
        if (failure !== undefined) failures.push({ check: argv.join(' '), ...failure });
      }
      return failures;
    } finally {
      await sandbox.close();
    }
  } finally {
    await rmdir(mountPoint);
  }
}

async function runOne(
  request: ComposeRequest,
  sandbox: Sandbox,
  { config }: ResolvedImage,
  check: RecipeCheck,
  argv: readonly string[],
): Promise<Omit<Failure, 'check'> | undefined> {
  const variables = (config.config?.Env ?? []).map((line) => {
    const equals = line.indexOf('=');
    return [line.slice(0, equals), line.slice(equals + 1)] as const;
  });
  try {
    const result = await sandbox.run(argv, {
      environment: { HOME: '/root', ...Object.fromEntries(variables) },
      cwd: config.config?.WorkingDir ?? '/',
      limits: { timeout: (check.timeout ?? DEFAULT_TIMEOUT) * 1000, output: MAX_OUTPUT },
      ...(request.signal ? { signal: request.signal } : {}),
    });
    const why = outputFault(result, check);
    return why === undefined ? undefined : { why, output: outputOf(result) };
  } catch (error) {
    if (!isHeraklitError(error, ...LIMITS)) throw error;
    return { why: error.message, output: '' };
  }
}

const outputOf = ({ stdout, stderr }: RunResult): string => `${stdout.toString('utf8')}${stderr.toString('utf8')}`;

/** What is wrong with how a program ended; undefined when it is as expected. */
export function outputFault(
  { code, stdout, stderr }: Pick<RunResult, 'code' | 'stdout' | 'stderr'>,
  check: RecipeCheck,
): string | undefined {
  const { exit = 0 } = check;
  if (code !== exit) return `exit code ${code}, expected ${exit}`;
  for (const [name, bytes] of Object.entries({ stdout, stderr })) {
    const wanted = check[name as 'stdout' | 'stderr'];
    if (wanted === undefined || new RegExp(wanted, 'm').test(bytes.toString('utf8'))) continue;
    return `${name} does not match ${JSON.stringify(wanted)}`;
  }
  return undefined;
}
