import { readdir, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Builder, CachePlaces } from '../build/index.ts';
import type { RebuildImageOptions, RebuiltDockerfile, RebuiltPlatforms, Workshop } from '../engine/workshop/index.ts';
import type { Platform } from '../oci/index.ts';
import { openCachePlaces } from './cache-places.ts';
import type { CliContext, OutputFormat } from './context.ts';
import { cliError } from './errors.ts';
import { type SourceOptions, workshopFrom } from './source-options.ts';

/** Options of `build` for Dockerfiles and KIWI descriptions. */
export interface DockerfileOptions extends SourceOptions {
  readonly output: string;
  readonly locked?: boolean;
  readonly update?: boolean;
  readonly format: OutputFormat;
  readonly context?: string;
  readonly target?: string;
  readonly buildArg: readonly string[];
  readonly label: readonly string[];
  readonly secret: readonly string[];
  readonly ssh: readonly string[];
  readonly allow: readonly string[];
  readonly timeout?: string;
  readonly builder?: string;
  readonly platform?: readonly string[];
  readonly skipForeign?: boolean;
  readonly cacheFrom: readonly string[];
  readonly cacheTo?: string;
  readonly profile?: readonly string[];
  readonly memory?: string;
  readonly processes?: string;
  readonly twice?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addDockerfileOptions(command: Command): Command {
  return command
    .option('--context <folder>', 'Dockerfile: what COPY and ADD take from (default: the Dockerfile’s folder)')
    .option('--target <stage>', 'Dockerfile: stage to build (default: the last)')
    .option('--build-arg <name=value>', 'Dockerfile: value of an ARG, may be given often', collect, [])
    .option('--platform <os/arch...>', 'Dockerfile: one image each, several in an index (default: this machine’s)')
    .option('--skip-foreign', 'Dockerfile: leave out, and name, platforms whose programs cannot run here')
    .option('--profile <name...>', 'KIWI: profiles to build (default: those that it imports)')
    .option('--label <name=value>', 'Dockerfile, KIWI: label of the image, may be given often', collect, [])
    .option('--secret <id=ID,src=FILE>', 'Dockerfile: for RUN --mount=type=secret, kept nowhere', collect, [])
    .option('--ssh <default|id=socket>', 'Dockerfile: agent for RUN --mount=type=ssh', collect, [])
    .option(
      '--allow <url>',
      'Dockerfile, KIWI: may fetch this URL, or what lies below it, besides packages',
      collect,
      [],
    )
    .option('--twice', 'Dockerfile, KIWI: build once more from the lock, and fail when the content differs')
    .option('--builder <name>', 'Dockerfile: buildah or buildkit (default: the first that can run here)')
    .option(
      '--cache-from <repository>',
      'Dockerfile: registry that may have steps already, may be given often',
      collect,
      [],
    )
    .option('--cache-to <repository>', 'Dockerfile: registry that is given the steps of this build')
    .option('--timeout <seconds>', 'Dockerfile, KIWI: longest time of a build (default: 3600)')
    .option('--memory <MiB>', 'Dockerfile, KIWI: for all processes of a build together (default: what there is)')
    .option('--processes <number>', 'Dockerfile, KIWI: at once in a build (default: 8192)');
}

export type RecipeForm = 'dockerfile' | 'kiwi' | 'recipe';

/** Told by its name, or by what a folder holds; heraklit's own recipes are YAML files. */
export async function formOf(path: string): Promise<RecipeForm> {
  const name = basename(path);
  if (/(?:^|\.)(?:docker|container)file(?:\.|$)/i.test(name)) return /\.ya?ml$/i.test(path) ? 'recipe' : 'dockerfile';
  if (/\.(?:kiwi|xml)$/i.test(name)) return 'kiwi';
  if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) return 'recipe';
  const names = await readdir(path);
  if (names.some((one) => one === 'Dockerfile' || one === 'Containerfile')) return 'dockerfile';
  return names.some((one) => one === 'config.xml' || one.endsWith('.kiwi')) ? 'kiwi' : 'dockerfile';
}

/** What does not fit the form is refused: nobody should believe that it was heard. */
const ONLY_DOCKERFILES = [
  'platform',
  'skipForeign',
  'context',
  'target',
  'buildArg',
  'secret',
  'ssh',
  'builder',
  'cacheFrom',
  'cacheTo',
] as const;

export async function buildDescribed(
  form: 'dockerfile' | 'kiwi',
  path: string,
  options: DockerfileOptions,
  context: CliContext,
): Promise<void> {
  const [oci, transport, engine] = await Promise.all([
    import('../oci/index.ts'),
    import('../transport/index.ts'),
    import('../engine/workshop/index.ts'),
  ]);
  checkForm(form, options);
  const target = oci.parseReference(options.output);
  transport.checkSavable(target);
  const workshop = await workshopFrom(options, context);
  const platforms = options.platform?.flatMap((text) => text.split(',')).map(oci.parsePlatform) ?? [oci.hostPlatform()];
  const cache = await openCachePlaces(options.cacheFrom, options.cacheTo, context.signal);
  const build = await builds(form, path, options, workshop, context);
  const made = await engine
    .rebuildPlatforms(platforms, options.skipForeign === true, async (platform) => {
      const result = await build(platform, modeOf(options), cache.places);
      // What is to be shown is that it can be made, not that it can be had.
      const again = (): Promise<RebuiltDockerfile> => build(platform, 'locked');
      if (options.twice === true) await engine.checkSecondBuild(result, again, workshop);
      return result;
    })
    .finally(() => cache.close());
  const reference = oci.formatReference(target);
  const [only, another] = made.built;
  if (only !== undefined && another === undefined && options.platform === undefined) {
    await transport.saveImage(only.result.image, target, { signal: context.signal });
    const { result } = only;
    context.print(options.format === 'json' ? JSON.stringify(facts(result, reference)) : describe(result, reference));
    return;
  }
  const index = engine.indexOfPlatforms(made);
  const images = made.built.map(({ result }) => result.image);
  const { digest } = await transport.saveIndex({ index, images }, target, { signal: context.signal });
  context.print(
    options.format === 'json'
      ? JSON.stringify(indexFacts(made, oci.formatPlatform, reference, digest))
      : describeIndex(made, oci.formatPlatform, reference, digest),
  );
}

type Build = (
  platform: Platform,
  mode: 'auto' | 'locked' | 'update',
  places?: CachePlaces,
) => Promise<RebuiltDockerfile>;

async function builds(
  form: 'dockerfile' | 'kiwi',
  path: string,
  options: DockerfileOptions,
  workshop: Workshop,
  context: CliContext,
): Promise<Build> {
  const engine = await import('../engine/workshop/index.ts');
  const common = {
    ...(options.timeout === undefined ? {} : { timeout: numberOf('--timeout', options.timeout) }),
    ...(options.memory === undefined ? {} : { memory: numberOf('--memory', options.memory) * 1024 * 1024 }),
    ...(options.processes === undefined ? {} : { processes: numberOf('--processes', options.processes) }),
    ...epochOf(process.env.SOURCE_DATE_EPOCH),
    labels: pairs('--label', options.label),
    allowed: options.allow,
    onLine: (line: string) => context.log.info(line),
  };
  if (form === 'kiwi') {
    const profiles = options.profile ?? [];
    return (platform, mode) => engine.rebuildKiwi(path, { ...common, platform, mode, profiles }, workshop);
  }
  const settings = await dockerfileSettings(options);
  return (platform, mode, cache) =>
    engine.rebuildImage(
      path,
      { ...common, ...settings, ...(cache === undefined ? {} : { cache }), platform, mode },
      workshop,
    );
}

function checkForm(form: 'dockerfile' | 'kiwi', options: DockerfileOptions): void {
  const given = (value: unknown): boolean => value !== undefined && (!Array.isArray(value) || value.length > 0);
  const wrong = form === 'dockerfile' ? (['profile'] as const) : ONLY_DOCKERFILES;
  const name = wrong.find((one) => given(options[one]));
  if (name === undefined) return;
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw cliError('CLI_USAGE', `${flag} is of no use for a ${form === 'kiwi' ? 'KIWI description' : 'Dockerfile'}`);
}

async function dockerfileSettings(options: DockerfileOptions): Promise<Partial<RebuildImageOptions>> {
  return {
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.builder === undefined ? {} : { builder: await builderOf(options.builder) }),
    buildArgs: pairs('--build-arg', options.buildArg),
    secrets: options.secret.map(secretOf),
    ssh: options.ssh,
  };
}

function modeOf({ locked, update }: DockerfileOptions): 'auto' | 'locked' | 'update' {
  if (locked === true && update === true) throw cliError('CLI_USAGE', '--locked and --update exclude one another');
  return locked === true ? 'locked' : update === true ? 'update' : 'auto';
}

async function builderOf(name: string): Promise<Builder> {
  const { createBuildah, createBuildKit } = await import('../build/index.ts');
  if (name === 'buildah') return createBuildah();
  if (name === 'buildkit') return createBuildKit();
  throw cliError('CLI_USAGE', `--builder takes buildah or buildkit, not ${JSON.stringify(name.slice(0, 40))}`);
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw cliError('CLI_USAGE', `${option} takes a number above 0, not ${JSON.stringify(text.slice(0, 40))}`);
}

/** reproducible-builds.org/specs/source-date-epoch */
function epochOf(text: string | undefined): { readonly epoch?: number } {
  if (text === undefined || text === '') return {};
  if (/^\d{1,11}$/.test(text)) return { epoch: Number(text) };
  throw cliError('CLI_USAGE', `SOURCE_DATE_EPOCH takes seconds since 1970, not ${JSON.stringify(text.slice(0, 40))}`);
}

function pairs(option: string, values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=');
      if (equals < 1) throw cliError('CLI_USAGE', `${option} takes NAME=VALUE, not ${JSON.stringify(value)}`);
      return [value.slice(0, equals), value.slice(equals + 1)];
    }),
  );
}

function secretOf(text: string): { readonly id: string; readonly source: string } {
  const words = new Map(
    text.split(',').map((word) => [word.split('=', 1)[0] ?? '', word.slice(word.indexOf('=') + 1)]),
  );
  const [id, source] = [words.get('id'), words.get('src') ?? words.get('source')];
  if (id !== undefined && source !== undefined && /^[\w.-]+$/.test(id)) return { id, source };
  throw cliError('CLI_USAGE', `--secret takes id=ID,src=FILE, not ${JSON.stringify(text)}`);
}

function facts({ built, image, lockFile }: RebuiltDockerfile, reference: string): object {
  const { strategy, reason, statistics, lock, recorded, refused } = built;
  return {
    reference,
    digest: image.digest,
    strategy,
    reason,
    lockFile,
    recorded,
    images: lock.images,
    resources: lock.resources.length,
    refused,
    statistics,
  };
}

function describe({ built, image, lockFile }: RebuiltDockerfile, reference: string): string {
  const { layersBuilt, layersShared, milliseconds } = built.statistics;
  const { resources } = built.lock;
  const bytes = resources.reduce((sum, { size }) => sum + size, 0);
  const refused = [...new Set(built.refused.map(({ what }) => what))];
  return [
    `${image.manifest.layers.length} layers (${layersBuilt} built, ${layersShared} shared) in ${(milliseconds / 1000).toFixed(2)} s`,
    `${built.recorded ? 'locked in' : 'as locked in'} ${lockFile}: ${resources.length} files, ${(bytes / 1e6).toFixed(1)} MB`,
    ...refused.map((what) => `not reached: ${what}`),
    `${reference}@${image.digest}`,
  ].join('\n');
}

function indexFacts(
  { built, missing }: RebuiltPlatforms,
  nameOf: (platform: Platform) => string,
  reference: string,
  digest: string,
): object {
  const platforms = built.map(({ platform, result }) => {
    const { reference: _, ...rest } = facts(result, '') as Record<string, unknown>;
    return { platform: nameOf(platform), ...rest };
  });
  return { reference, digest, platforms, missing };
}

function describeIndex(
  { built, missing }: RebuiltPlatforms,
  nameOf: (platform: Platform) => string,
  reference: string,
  digest: string,
): string {
  return [
    ...built.map(({ platform, result }) => `${nameOf(platform)}: ${describe(result, '').split('\n')[0] ?? ''}`),
    ...missing.map(({ platform, because }) => `${platform}: not built: ${because}`),
    `${reference}@${digest}`,
  ].join('\n');
}
