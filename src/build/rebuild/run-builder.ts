import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatPlatform, hostPlatform, type ResolvedImage } from '../../oci/index.ts';
import type { BuildCache } from './cache/build-cache.ts';
import { answerCache } from './cache/endpoint.ts';
import { createMask } from './confine/output.ts';
import { runConfined } from './confine/run-confined.ts';
import { PROXY_PORT } from './confine/runtime-wrapper.ts';
import type { Builder, BuilderResult, RecipeNames } from './drivers/types.ts';
import { rebuildError } from './errors.ts';
import { createAuthority } from './snapshot/certificates.ts';
import { startSnapshotProxy } from './snapshot/proxy.ts';
import type { Refusal, Snapshot } from './snapshot/types.ts';
import type { RecipeRequest, RecipeTools } from './types.ts';

const DEFAULT_TIMEOUT = 3600;
const DEFAULT_OUTPUT = 64 * 1024 * 1024;
/** Lines of a failed build that stand in its error. */
const LAST_WORDS = 12;
/** Refused requests that it names. */
const NAMED_REFUSALS = 10;

/** Processes of a build, as a limit against those that fork without end. */
const DEFAULT_PROCESSES = 8192;

export interface BuilderRun<Recipe extends RecipeNames> {
  readonly request: RecipeRequest;
  readonly recipe: Recipe;
  readonly builder: Builder<Recipe>;
  readonly images: ReadonlyMap<string, ResolvedImage>;
  readonly snapshot: Snapshot;
  readonly secrets: ReadonlyMap<string, Buffer>;
  readonly epoch: number;
  readonly directory: string;
  readonly cache: BuildCache | undefined;
}

/**
 * The builder over the snapshot, in a network of its own.
 * @throws REBUILD_FAILED, REBUILD_NETWORK_REFUSED, REBUILD_TIMEOUT, REBUILD_OUTPUT_LIMIT
 */
export async function runBuilder<Recipe extends RecipeNames>(
  run: BuilderRun<Recipe>,
  tools: RecipeTools,
): Promise<BuilderResult> {
  const { request, builder, snapshot, directory } = run;
  const authority = createAuthority();
  const socket = join(directory, 'proxy.sock');
  const mask = createMask([...run.secrets.values()].map((value) => value.toString('utf8')));
  const words: string[] = [];
  const onLine = (line: string): void => {
    const masked = mask(line);
    words.push(masked);
    if (words.length > LAST_WORDS) words.shift();
    tools.onLine?.(masked);
  };
  const { cache } = run;
  const local = cache === undefined ? undefined : localAnswer(cache);
  const proxy = await startSnapshotProxy(socket, snapshot, authority, local);
  try {
    const own = join(directory, 'build');
    await mkdir(own);
    const result = await builder.build({
      recipe: run.recipe,
      context: request.context,
      ignore: request.ignore ?? '',
      directory: own,
      cache: resolve(tools.cache, builder.name),
      images: run.images,
      platform: formatPlatform(request.platform),
      target: request.target,
      buildArgs: request.buildArgs ?? {},
      labels: request.labels ?? {},
      secrets: request.secrets ?? [],
      ssh: request.ssh ?? [],
      epoch: run.epoch,
      certificate: authority.certificate,
      limits: { memory: request.memory, processes: request.processes ?? DEFAULT_PROCESSES },
      signal: tools.signal,
      stepCache: cache?.job(`127.0.0.1:${PROXY_PORT}`),
      inside: (argv, env) =>
        runConfined({
          argv,
          env,
          cwd: own,
          socket,
          timeout: request.timeout ?? DEFAULT_TIMEOUT,
          outputLimit: request.outputLimit ?? DEFAULT_OUTPUT,
          onLine,
          onName: (name) => snapshot.note({ what: `host ${name}`, why: 'it was looked up without the proxy' }),
          ...(tools.signal === undefined ? {} : { signal: tools.signal }),
        }),
    });
    if (result.exitCode !== 0) {
      throw foreign(request, words) ?? failed(request.name, result.exitCode, words, snapshot.refusals());
    }
    return result;
  } finally {
    await proxy.close();
  }
}

/**
 * ENOEXEC of a platform that is not this machine's. Only a build that runs something of it fails so: what is copied together is
 * built anywhere, and so are stages on `--platform=$BUILDPLATFORM`.
 */
function foreign({ name, platform }: RecipeRequest, words: readonly string[]): Error | undefined {
  const own = formatPlatform(hostPlatform());
  const wanted = formatPlatform(platform);
  if (own === wanted || !words.some((line) => /exec format error/i.test(line))) return undefined;
  const what = `${name} runs programs of ${wanted}, which this machine (${own}) cannot run`;
  return rebuildError('REBUILD_PLATFORM_FOREIGN', what, {
    hint: 'Register an emulator (binfmt_misc, qemu-user-static), build on such a machine, or run only in stages on $BUILDPLATFORM.',
  });
}

const localAnswer =
  (cache: BuildCache): NonNullable<Parameters<typeof startSnapshotProxy>[3]> =>
  (message, response) =>
    answerCache(message, response, cache);

function failed(name: string, code: number, words: readonly string[], refusals: readonly Refusal[]): Error {
  const last = words.join('\n').slice(-4000);
  if (refusals.length === 0) return rebuildError('REBUILD_FAILED', `${name}: the builder ended with ${code}:\n${last}`);
  const named = [...new Set(refusals.map(({ what, why }) => `${what} (${why})`))];
  const more = named.length > NAMED_REFUSALS ? ` and ${named.length - NAMED_REFUSALS} more` : '';
  const what = `${name} tried to reach ${named.slice(0, NAMED_REFUSALS).join(', ')}${more}, and failed:\n${last}`;
  return rebuildError('REBUILD_NETWORK_REFUSED', what, {
    hint: 'A build sees only what its lock names. Lock anew with --update; what is no package repository, allow with --allow URL.',
    details: { refused: refusals.slice(0, 100) },
  });
}
