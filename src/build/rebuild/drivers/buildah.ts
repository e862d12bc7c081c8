import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestHex, type ResolvedImage } from '../../../oci/index.ts';
import { PROXY_PORT, writeRuntimeWrapper } from '../confine/runtime-wrapper.ts';
import { withImages } from '../dockerfile/pin.ts';
import { rebuildError } from '../errors.ts';
import { layoutOf } from './base-layout.ts';
import { jobOptions } from './job-options.ts';
import { findProgram } from './programs.ts';
import { type Builder, type BuilderResult, type BuildJob, imageKey } from './types.ts';

const RUNTIMES = ['crun', 'runc'];
const TAG = 'result';
/** Where a result lies whose last step goes into a cache: Buildah takes that from its own storage only. */
const CACHED = 'localhost/heraklit-result:1';

/** Buildah, in storage of its own: bases are unpacked once and kept, everything else goes with the build. */
export function createBuildah(path = process.env.PATH): Builder {
  const buildah = findProgram('buildah', path);
  const runtime = RUNTIMES.map((name) => findProgram(name, path)).find((found) => found !== undefined);
  return {
    name: 'buildah',
    missing: () => {
      if (buildah === undefined) return 'buildah is not installed';
      if (runtime === undefined) return `no container runtime (${RUNTIMES.join(' or ')}) is installed`;
      return process.getuid?.() === 0 ? undefined : 'building without network needs root';
    },
    build: (job) => build(job, buildah ?? 'buildah', runtime ?? 'runc', path ?? ''),
  };
}

async function build(job: BuildJob, buildah: string, runtime: string, path: string): Promise<BuilderResult> {
  const { directory, platform, epoch } = job;
  const bases = join(job.cache, 'bases');
  const names = new Map<string, string>();
  // A Dockerfile may name no image at all.
  await mkdir(bases, { recursive: true });
  for (const [key, image] of job.images) names.set(key, await keepBase(image, bases, buildah, job));
  const file = join(directory, 'Dockerfile');
  await writeFile(
    file,
    withImages(job.recipe, (use) => names.get(imageKey(use.name, use.platform ?? platform)) as string),
  );
  const ignore = join(directory, 'ignore');
  await writeFile(ignore, job.ignore);
  const wrapper = await writeRuntimeWrapper(join(directory, 'runtime'), runtime, job);
  const layout = join(directory, 'result');
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  const global = [
    ...[buildah, '--root', join(directory, 'storage'), '--runroot', join(directory, 'run')],
    ...['--storage-driver', 'overlay', '--storage-opt', `overlay.imagestore=${bases}`],
  ];
  const target = `oci:${layout}:${TAG}`;
  const steps = await cacheOptions(job);
  const argv = [
    ...global,
    ...['build', '--isolation', 'oci', '--runtime', wrapper.path, '--network', 'host', '--dns', '127.0.0.1'],
    ...['--http-proxy=false', '--pull=never', '--format', 'oci', '--identity-label=false'],
    ...steps.options,
    ...['--timestamp', String(epoch), '--platform', platform, '--file', file, '--ignorefile', ignore],
    ...jobOptions(job),
    ...['--tag', steps.cached ? CACHED : target, job.context],
  ];
  const environment = {
    ...surroundings(path, directory),
    // For what buildah itself fetches: ADD of a URL.
    ...{ http_proxy: proxy, https_proxy: proxy, SSL_CERT_FILE: wrapper.certificate },
    ...(process.env.SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK }),
  };
  const built = await job.inside(argv, environment);
  const exitCode =
    built === 0 && steps.cached
      ? await job.inside([...global, 'push', '--quiet', '--disable-compression', CACHED, target], environment)
      : built;
  return { exitCode, image: { kind: 'oci', directory: layout, tag: TAG }, names };
}

/** Steps of other builds, by a repository that only the builder has the password of. */
async function cacheOptions({ stepCache: cache, directory }: BuildJob): Promise<{
  readonly cached: boolean;
  readonly options: readonly string[];
}> {
  if (cache === undefined || !(cache.read || cache.write)) return { cached: false, options: ['--no-cache'] };
  const file = join(directory, 'auth.json');
  const auth = Buffer.from(`${cache.user}:${cache.password}`).toString('base64');
  await writeFile(file, JSON.stringify({ auths: { [cache.repository]: { auth } } }), { mode: 0o600 });
  const options = [
    ...['--layers', '--tls-verify=false', '--authfile', file],
    ...(cache.read ? ['--cache-from', cache.repository] : []),
    ...(cache.write ? ['--cache-to', cache.repository] : []),
  ];
  return { cached: true, options };
}

/** Nothing of ours, and no configuration of this machine's user. */
function surroundings(path: string, directory: string): Readonly<Record<string, string>> {
  return {
    PATH: `${path}:/usr/sbin:/sbin`,
    HOME: directory,
    TMPDIR: directory,
    XDG_RUNTIME_DIR: directory,
    LC_ALL: 'C',
  };
}

const keeping = new Map<string, Promise<string>>();

/** A base unpacked in the store that all builds of this home read: done once for each digest. */
function keepBase(image: ResolvedImage, bases: string, buildah: string, job: BuildJob): Promise<string> {
  // 2: with a history of all its layers.
  const name = `localhost/heraklit-base:${digestHex(image.digest).slice(0, 40)}-2`;
  const key = `${bases}\n${name}`;
  const known = keeping.get(key) ?? unpackBase(image, name, bases, buildah, job).finally(() => keeping.delete(key));
  keeping.set(key, known);
  return known;
}

async function unpackBase(
  image: ResolvedImage,
  name: string,
  bases: string,
  buildah: string,
  job: BuildJob,
): Promise<string> {
  await mkdir(join(job.directory, 'bases'), { recursive: true });
  const runroot = join(job.directory, 'bases-run');
  const global = [buildah, '--root', bases, '--runroot', runroot, '--storage-driver', 'overlay'];
  if ((await quietly([...global, 'images', '--quiet', name], job)).code === 0) return name;
  // Buildah derives a name from the path, where capital letters are an error: a path from the folder it runs in has none.
  const { folder, tag } = await layoutOf(image, join(job.directory, 'bases'), job.signal);
  const pulled = await quietly([...global, 'pull', '--quiet', `oci:${basename(folder)}:${tag}`], job);
  const id = pulled.output.trim().split('\n').at(-1) ?? '';
  const tagged = pulled.code === 0 ? await quietly([...global, 'tag', id, name], job) : pulled;
  await rm(folder, { recursive: true, force: true });
  if (tagged.code === 0) return name;
  throw rebuildError(
    'REBUILD_FAILED',
    `buildah cannot unpack the base ${image.digest}: ${tagged.output.trim().slice(-1000)}`,
  );
}

/** A command of buildah that needs no network, in mounts of its own so that nothing stays mounted. */
async function quietly(
  argv: readonly string[],
  job: BuildJob,
): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn('unshare', ['--net', '--mount', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: join(job.directory, 'bases'),
    env: surroundings(process.env.PATH ?? '', job.directory),
    ...(job.signal === undefined ? {} : { signal: job.signal }),
  });
  let output = '';
  const read = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-16_384);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code: code ?? 1, output };
}
