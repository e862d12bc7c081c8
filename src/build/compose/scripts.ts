import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { type ArchiveFile, decompressBuffer, extractFiles, extractTarBuffer } from '../../archive/index.ts';
import { type Digest, digestAlgorithm, digestHex, type LayerItem, layerCompression } from '../../oci/index.ts';
import { createSandbox, type RunResult, type Sandbox } from '../../runtime/sandbox/index.ts';
import { quickPrograms } from '../scripts/quick-programs.ts';
import { unpackImage } from './base-image.ts';
import type { DatabaseFiles } from './database.ts';
import { databaseReader } from './database-readers.ts';
import { composeError } from './errors.ts';
import { ROOT_COMMENT, type StoredLayer } from './group-layer.ts';
import { takeChanges } from './normalize.ts';
import { infoName } from './package-content.ts';
import { queriedPackages } from './package-queries.ts';
import type { PackageRecord } from './package-record.ts';
import { tarOf } from './tar-items.ts';
import type { ComposeRequest } from './types.ts';

/** Raise it when the script stage gives another result for the same packages. */
export const SCRIPTS_FORMAT = 4;

export interface ScriptsInput {
  /** Layers of this build below the top one, lowest first. */
  readonly layers: readonly StoredLayer[];
  /** Packages to configure, in dependency order. */
  readonly added: readonly PackageRecord[];
  /** dpkg's database with the added packages unpacked, and what else must be there before scripts run. */
  readonly state: readonly LayerItem[];
  readonly epoch: number;
  /** dpkg's database of the base. */
  readonly database: DatabaseFiles;
}

const MAX_LAYER_BYTES = 8 * 1024 ** 3;
const unzstd = promisify(zstdDecompress);
const SCRIPT_TIMEOUT = 900_000;

/** Daemons must not start while an image is built (invoke-rc.d, policy-rc.d(8)). */
const POLICY = '#!/bin/sh\nexit 101\n';

/**
 * Seconds; what scripts are told to take for the time (SOURCE_DATE_EPOCH). The same for all packages: were it the newest
 * file's, an update of any package would change what all scripts get to know.
 */
const SCRIPTS_DATE = 1_577_836_800;

const ENVIRONMENT: Readonly<Record<string, string>> = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  DEBCONF_NOWARNINGS: 'yes',
  SOURCE_DATE_EPOCH: String(SCRIPTS_DATE),
  // Set iteration order decides what some byte-compilers write.
  PYTHONHASHSEED: '0',
  LC_ALL: 'C.UTF-8',
  LANG: 'C.UTF-8',
  HOME: '/root',
};

/** What a run of the maintainer scripts did. */
export interface ScriptsResult {
  /** What they changed; times are still to be set: see `atEpoch`. */
  readonly changes: readonly LayerItem[];
  /** Paths whose content they depended on. */
  readonly reads: ReadonlySet<string>;
  /** Packages whose versions they may have asked for; undefined: of any. */
  readonly queried: readonly string[] | undefined;
  /** Why what they read is not known well enough to say what they depend on. */
  readonly unfit: string | undefined;
  /** The sandbox is gone; the kernel takes its time to free the memory. */
  readonly closed: Promise<void>;
}

/**
 * Runs the maintainer scripts of unpacked packages in a sandbox without network: `preinst install` in dependency order,
 * then `dpkg --configure -a`, and returns what they changed and read.
 * @throws SANDBOX_UNAVAILABLE, COMPOSE_SCRIPT_FAILED
 */
export async function runScripts(request: ComposeRequest, input: ScriptsInput): Promise<ScriptsResult> {
  await mkdir(request.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(request.scratch, 'sandbox-'));
  const sandbox = await createSandbox({ mountPoint, ...(request.log ? { log: request.log } : {}) }).catch(
    async (error: unknown) => {
      await rmdir(mountPoint);
      throw error;
    },
  );
  const close = async (): Promise<void> => {
    await sandbox.close();
    await rmdir(mountPoint);
  };
  try {
    const root = await sandbox.recordedRoot();
    const paths = await fill(request, input, root);
    const standIns = await quickPrograms(root);
    await configure(request, sandbox, { ...input, standIns }, await sandbox.record());
    const recording = await sandbox.recorded();
    const [queried, unfit] = [queriedPackages(recording.queries), databaseReader(recording)];
    const moved = paths.filter((path) => !recording.before.has(path));
    const changes = await takeChanges(recording.changes);
    const closed = close();
    // Whoever awaits it sees the failure; until then it must not count as unhandled.
    closed.catch(() => undefined);
    return {
      ...{ changes, closed },
      // What lies elsewhere than its archive says, behind a link: which file was read is not known by that name.
      reads: new Set([...recording.reads, ...moved, ...WRAPPED, ...namesOf(standIns)]),
      queried: recording.reads.has(QUERY) ? undefined : queried,
      unfit,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Unpacks base, packages and database. @returns the paths that packages and database have in their archives */
async function fill(request: ComposeRequest, input: ScriptsInput, root: string): Promise<readonly string[]> {
  if (request.base !== undefined) await unpackImage(request.base.image, root);
  const paths: string[] = [];
  const filter = ({ path }: { readonly path: string }): boolean => paths.push(path) > 0;
  const unpack = async (layer: StoredLayer): Promise<void> => {
    extractTarBuffer(await plainOf(request, layer), root, { filter });
  };
  // The links of a merged /usr come first: folders of that name in packages then follow them.
  const [links, packages] = [input.layers.filter(isLinks), input.layers.filter((layer) => !isLinks(layer))];
  for (const layer of links) await unpack(layer);
  const files = packages.flatMap((layer) => archiveFile(request, layer) ?? []);
  if (files.length === packages.length) {
    const unpacked = await extractFiles(files, root, request.signal);
    paths.push(...unpacked.paths);
    for (const index of unpacked.failed) await unpack(packages[index] as StoredLayer);
  } else {
    for (const layer of packages) {
      request.signal?.throwIfAborted();
      await unpack(layer);
    }
  }
  extractTarBuffer(tarOf([...input.state, policy(input.epoch), ...withoutNocow(input)]), root, { filter });
  return paths;
}

const isLinks = (layer: StoredLayer): boolean => layer.comment === ROOT_COMMENT;

function archiveFile(request: ComposeRequest, { descriptor, uncompressed }: StoredLayer): ArchiveFile | undefined {
  const path = request.store.localPath(descriptor.digest);
  const compression = layerCompression(descriptor.mediaType);
  if (path === undefined || compression === undefined || digestAlgorithm(descriptor.digest) !== 'sha256')
    return undefined;
  return { path, compression, sha256: digestHex(descriptor.digest), uncompressed };
}

/** What stands in for a script depends on it, though nobody reads the script itself. */
const namesOf = (standIns: ReadonlyMap<string, string>): readonly string[] =>
  [...standIns.keys()].map((path) => path.slice(1));

const QUERY = 'usr/bin/dpkg-query';
/** Programs whose own reads a recording leaves out. */
const WRAPPED = ['usr/sbin/ldconfig', QUERY];

function policy(mtime: number): LayerItem {
  const content = Buffer.from(POLICY);
  const header = { path: 'usr/sbin/policy-rc.d', type: 'file', mode: 0o755, uid: 0, gid: 0, mtime } as const;
  return { header: { ...header, size: content.length }, content };
}

/**
 * systemd 247 (bullseye) sets the btrfs attribute NOCOW on /var/log/journal, for which it opens the folder with
 * O_NOATIME, and its postinst ends with 73 where that is refused, as it is here (docs/decisions/0012). No layer could hold
 * the attribute: while scripts run, an empty file of the same name in /etc hides the line that asks for it (tmpfiles.d(5)).
 */
function withoutNocow({ added, epoch }: ScriptsInput): readonly LayerItem[] {
  if (!added.some(({ name, version }) => name === 'systemd' && version.startsWith('247'))) return [];
  const common = { uid: 0, gid: 0, size: 0, mtime: epoch } as const;
  return [
    { header: { ...common, path: 'etc/tmpfiles.d', type: 'directory', mode: 0o755 } },
    {
      header: { ...common, path: 'etc/tmpfiles.d/journal-nocow.conf', type: 'file', mode: 0o644 },
      content: Buffer.alloc(0),
    },
  ];
}

function plainOf(request: ComposeRequest, { descriptor, uncompressed }: StoredLayer): Promise<Buffer> {
  return plainStoredLayer(request, { ...descriptor, uncompressed });
}

/** The archive of a layer in the store. */
export async function plainStoredLayer(
  request: Pick<ComposeRequest, 'store'>,
  layer: { readonly digest: Digest; readonly mediaType: string; readonly uncompressed: number },
): Promise<Buffer> {
  const { digest, mediaType } = layer;
  const bytes = await request.store.read(digest, MAX_LAYER_BYTES);
  const compression = layerCompression(mediaType) ?? 'none';
  if (compression === 'zstd') {
    const whole = await decompressAtOnce(bytes, layer.uncompressed);
    if (whole.length === layer.uncompressed) return whole;
  }
  return decompressBuffer(bytes, compression, { maxBytes: MAX_LAYER_BYTES });
}

/** The size is known, so that one buffer takes it all: joining pieces of 100 MB costs more than unpacking them. */
async function decompressAtOnce(bytes: Buffer, size: number): Promise<Buffer> {
  return unzstd(bytes, { chunkSize: size + constants.Z_MIN_CHUNK, maxOutputLength: size + 1 });
}

/** How the program below says that a preinst failed: dpkg ends with 1 or 2. */
const PREINST_FAILED = 90;
/** First the preinst scripts, with what dpkg sets for a maintainer script (dpkg(1), INTERNAL ENVIRONMENT). */
const PROGRAM = `
configure() { exec /usr/bin/dpkg --force-unsafe-io --configure --pending </dev/null; }
(
  export DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ROOT= DPKG_ADMINDIR=/var/lib/dpkg
  export DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_ARCH
  while read -r DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_ARCH file; do
    "/var/lib/dpkg/info/$file.preinst" install </dev/null ||
      { echo "preinst of $DPKG_MAINTSCRIPT_PACKAGE: exit code $?" >&2; exit ${PREINST_FAILED}; }
  done
) || exit
configure
`;

/** @param list what has to be done before anything changes: the program waits for its input */
async function configure(
  request: ComposeRequest,
  sandbox: Sandbox,
  input: ScriptsInput & { readonly standIns: ReadonlyMap<string, string> },
  list: () => void,
): Promise<void> {
  const preinsts = input.added
    .filter((record) => record.scripts.includes('preinst'))
    .map(
      (record) =>
        `${record.name} ${record.architecture} ${infoName(record.name, record.architecture, record.multiArch)}\n`,
    )
    .join('');
  const result = await sandbox.run(['/bin/sh', '-c', PROGRAM], {
    environment: ENVIRONMENT,
    stdin: () => {
      list();
      return preinsts;
    },
    limits: { timeout: SCRIPT_TIMEOUT },
    standIns: input.standIns,
    ...(request.signal ? { signal: request.signal } : {}),
  });
  refuse(result, result.code === PREINST_FAILED ? 'a preinst script' : 'dpkg --configure');
  request.log?.debug('maintainer scripts', { output: result.stdout.toString('utf8').slice(-4000) });
}

const OUTPUT_SHOWN = 2000;

function refuse(result: RunResult, what: string): void {
  if (result.code === 0) return;
  const output = `${result.stdout.toString('utf8').slice(-OUTPUT_SHOWN)}\n${result.stderr.toString('utf8').slice(-OUTPUT_SHOWN)}`;
  throw composeError('COMPOSE_SCRIPT_FAILED', `${what} ended with exit code ${result.code}: ${lastLine(output)}`, {
    hint: '`scripts: none` builds without maintainer scripts; the end of their output is in the details.',
    details: { output: output.trim() },
  });
}

const lastLine = (text: string): string => text.trim().split('\n').slice(-3).join(' | ');
