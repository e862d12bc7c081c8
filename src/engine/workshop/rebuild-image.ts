import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { messageOf, writeFileAtomic } from '../../base/index.ts';
import {
  type Builder,
  createBuildah,
  createBuildKit,
  type DockerfileLock,
  formatDockerfileLock,
  openContentStore,
  parseDockerfileLock,
  type RebuildRequest,
  type RebuildTools,
  type RebuiltImage,
  rebuild,
  withPlatform,
} from '../../build/index.ts';
import { shippedKeyring } from '../../distro/index.ts';
import {
  type Digest,
  formatPlatform,
  type Platform,
  parsePlatform,
  parseReference,
  type ResolvedImage,
} from '../../oci/index.ts';
import { type OpenedImage, openImage } from '../../transport/index.ts';
import { workshopError } from './errors.ts';
import { debianRoute } from './repository-route.ts';
import { resolvedFrom, storeOver } from './resolved.ts';
import type { Workshop } from './workshop.ts';

export interface RebuildImageOptions
  extends Omit<RebuildRequest, 'dockerfile' | 'context' | 'name' | 'lock' | 'platform'> {
  readonly platform: Platform;
  /** Folder that COPY and ADD take from; default: the Dockerfile's own. */
  readonly context?: string;
  /** Default: beside the Dockerfile, with `.lock`. */
  readonly lockFile?: string;
  /** Images that the Dockerfile names and the caller has: of the fleet. */
  readonly known?: (name: string) => Promise<OpenedImage | undefined>;
  readonly onLine?: (line: string) => void;
  /** Default: Buildah where it can run, else BuildKit. */
  readonly builder?: Builder;
}

export interface RebuiltDockerfile {
  readonly file: string;
  readonly lockFile: string;
  readonly built: RebuiltImage;
  /** Readable as an image. */
  readonly image: ResolvedImage;
}

const DOCKERFILES = ['Dockerfile', 'Containerfile'];

/** The Dockerfile that a path means: the file itself, or the one in a folder. @throws DOCKERFILE_UNREADABLE */
export async function findDockerfile(path: string): Promise<string> {
  const facts = await stat(path).catch((error: unknown) => {
    throw workshopError('DOCKERFILE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Paths in a fleet file are relative to it.',
    });
  });
  if (!facts.isDirectory()) return resolve(path);
  for (const name of DOCKERFILES) {
    const file = join(resolve(path), name);
    if ((await stat(file).catch(() => undefined))?.isFile() === true) return file;
  }
  throw workshopError('DOCKERFILE_UNREADABLE', `${path} holds no ${DOCKERFILES.join(' or ')}`, {
    hint: 'Name the file itself, and the folder it takes files from with --context.',
  });
}

/**
 * Dockerfile → lock beside it → image in the home's store.
 * @throws DOCKERFILE_UNREADABLE, REBUILD_*
 */
export async function rebuildImage(
  path: string,
  options: RebuildImageOptions,
  workshop: Workshop,
): Promise<RebuiltDockerfile> {
  const file = await findDockerfile(path);
  const {
    context = dirname(file),
    lockFile = `${file}.lock`,
    known,
    onLine,
    builder = chooseBuilder(),
    ...request
  } = options;
  const dockerfile = await readFile(file, 'utf8');
  const ignore = await ignoreText(file, resolve(context), lockFile);
  const place = { file, lockFile, platform: options.platform, offline: request.offline, known, onLine };
  return withLock(place, workshop, (common, tools) =>
    rebuild({ ...request, ...common, dockerfile, ignore, context: resolve(context) }, { ...tools, builder }),
  );
}

export interface RecipePlace {
  readonly file: string;
  readonly lockFile: string;
  readonly platform: Platform;
  readonly offline: boolean | undefined;
  readonly known: RebuildImageOptions['known'] | undefined;
  readonly onLine: RebuildImageOptions['onLine'] | undefined;
}

/** What every recipe of an outside builder has in common: its lock's part, and what it is built with. */
export async function withLock(
  { file, lockFile, platform, known, onLine, ...place }: RecipePlace,
  workshop: Workshop,
  build: (
    common: Pick<RebuildRequest, 'name' | 'lock' | 'offline'>,
    tools: Omit<RebuildTools, 'builder'>,
  ) => Promise<RebuiltImage>,
): Promise<RebuiltDockerfile> {
  const { home, log, signal, keyring } = workshop.options;
  const lock = await readLock(lockFile);
  const part = lock?.platforms.find((one) => one.platform === formatPlatform(platform));
  const store = await workshop.store();
  const offline = place.offline ?? workshop.options.offline;
  const built = await build(
    {
      name: basename(file),
      ...(part === undefined ? {} : { lock: part }),
      ...(offline === undefined ? {} : { offline }),
    },
    {
      store,
      content: openContentStore(join(home.root, 'snapshot')),
      cache: join(home.cache, 'builders'),
      scratch: home.scratch,
      log,
      keyrings: [await shippedKeyring('debian'), ...(keyring === undefined ? [] : [keyring])],
      base: (name, wanted, digest) => openBase(name, wanted, digest, dirname(file), known, signal),
      route: debianRoute(await workshop.mirrors('debian')),
      ...(signal === undefined ? {} : { signal }),
      ...(onLine === undefined ? {} : { onLine }),
    },
  );
  const text = formatDockerfileLock(withPlatform(lock, built.lock));
  if ((await readFile(lockFile, 'utf8').catch(() => '')) !== text) await writeFileAtomic(lockFile, text);
  return { file, lockFile, built, image: resolvedFrom(built, storeOver(store, store)) };
}

/** The first that can run here; where none can, the error says what the first one misses. */
function chooseBuilder(): Builder {
  const [buildah, buildKit] = [createBuildah(), createBuildKit()];
  return buildah.missing() !== undefined && buildKit.missing() === undefined ? buildKit : buildah;
}

/** What the context leaves out: the user's own file, and the lock, which would make the second build another one. */
async function ignoreText(file: string, context: string, lockFile: string): Promise<string> {
  const places = [`${file}.dockerignore`, join(context, '.containerignore'), join(context, '.dockerignore')];
  let text = '';
  for (const place of places) {
    const found = await readFile(place, 'utf8').catch(() => undefined);
    if (found === undefined) continue;
    text = found;
    break;
  }
  const lock = relative(context, resolve(lockFile));
  return lock.startsWith('..') ? text : `${text}\n${lock.replace(/[\\*?[\]]/g, '\\$&')}\n`;
}

async function readLock(file: string): Promise<DockerfileLock | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseDockerfileLock(text, file);
}

/** Paths in `FROM oci:…` are relative to the Dockerfile. */
async function openBase(
  name: string,
  platform: string,
  digest: Digest | undefined,
  folder: string,
  known: RebuildImageOptions['known'],
  signal: AbortSignal | undefined,
): Promise<OpenedImage> {
  const own = await known?.(name);
  if (own !== undefined) return own;
  const reference = parseReference(fullName(name));
  const options = { platform: parsePlatform(platform), ...(signal === undefined ? {} : { signal }) };
  switch (reference.kind) {
    case 'docker':
      return openImage(digest === undefined ? reference : { ...reference, digest }, options);
    case 'oci':
      return openImage({ ...reference, directory: resolve(folder, reference.directory) }, options);
    case 'oci-archive':
    case 'docker-archive':
      return openImage({ ...reference, file: resolve(folder, reference.file) }, options);
    default:
      return openImage(reference, options);
  }
}

/** Short names as Docker reads them: `debian:13` → `docker.io/library/debian:13`. Transports are left alone. */
function fullName(name: string): string {
  if (/^(?:oci|oci-archive|docker-archive|docker|dir):/.test(name)) return name;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (first.includes('.') || first.includes(':') || first === 'localhost') return name;
  return `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
}
