import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Builder } from '../build/index.ts';
import type { RebuildImageOptions, RebuiltDockerfile } from '../engine/workshop/index.ts';
import type { CliContext, OutputFormat } from './context.ts';
import { cliError } from './errors.ts';
import { type SourceOptions, workshopFrom } from './source-options.ts';

/** Options of `build` for Dockerfiles. */
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
  readonly twice?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addDockerfileOptions(command: Command): Command {
  return command
    .option('--context <folder>', 'Dockerfile: what COPY and ADD take from (default: the Dockerfile’s folder)')
    .option('--target <stage>', 'Dockerfile: stage to build (default: the last)')
    .option('--build-arg <name=value>', 'Dockerfile: value of an ARG, may be given often', collect, [])
    .option('--label <name=value>', 'Dockerfile: label of the image, may be given often', collect, [])
    .option('--secret <id=ID,src=FILE>', 'Dockerfile: for RUN --mount=type=secret, kept nowhere', collect, [])
    .option('--ssh <default|id=socket>', 'Dockerfile: agent for RUN --mount=type=ssh', collect, [])
    .option('--allow <url>', 'Dockerfile: may fetch this URL, or what lies below it, besides packages', collect, [])
    .option('--twice', 'Dockerfile: build once more from the lock, and fail when the content differs')
    .option('--builder <name>', 'Dockerfile: buildah or buildkit (default: the first that can run here)')
    .option('--timeout <seconds>', 'Dockerfile: longest time of a build (default: 3600)');
}

/** Told by its name; recipes are YAML files. */
export async function isDockerfile(path: string): Promise<boolean> {
  if (/(?:^|\.)(?:docker|container)file(?:\.|$)/i.test(basename(path))) return !/\.ya?ml$/i.test(path);
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

export async function buildDockerfile(path: string, options: DockerfileOptions, context: CliContext): Promise<void> {
  const [oci, transport, engine] = await Promise.all([
    import('../oci/index.ts'),
    import('../transport/index.ts'),
    import('../engine/workshop/index.ts'),
  ]);
  const target = oci.parseReference(options.output);
  transport.checkSavable(target);
  const workshop = await workshopFrom(options, context);
  const settings: RebuildImageOptions = {
    platform: oci.hostPlatform(),
    mode: modeOf(options),
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.timeout === undefined ? {} : { timeout: secondsOf(options.timeout) }),
    ...(options.builder === undefined ? {} : { builder: await builderOf(options.builder) }),
    ...epochOf(process.env.SOURCE_DATE_EPOCH),
    buildArgs: pairs('--build-arg', options.buildArg),
    labels: pairs('--label', options.label),
    secrets: options.secret.map(secretOf),
    ssh: options.ssh,
    allowed: options.allow,
    onLine: (line) => context.log.info(line),
  };
  const result = await engine.rebuildImage(path, settings, workshop);
  if (options.twice === true) await engine.checkSecondBuild(result, settings, workshop);
  await transport.saveImage(result.image, target, { signal: context.signal });
  const reference = oci.formatReference(target);
  context.print(options.format === 'json' ? JSON.stringify(facts(result, reference)) : describe(result, reference));
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

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw cliError('CLI_USAGE', `--timeout takes seconds, not ${JSON.stringify(text)}`);
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
