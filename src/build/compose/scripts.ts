import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { decompressBuffer, extractTarBuffer } from '../../archive/index.ts';
import { type LayerItem, layerCompression } from '../../oci/index.ts';
import { createSandbox, type RunResult, type Sandbox } from '../../runtime/sandbox/index.ts';
import { ahead } from './ahead.ts';
import { LAYERS_AHEAD, unpackImage } from './base-image.ts';
import { composeError } from './errors.ts';
import type { StoredLayer } from './group-layer.ts';
import { normalizeChanges } from './normalize.ts';
import { infoName } from './package-content.ts';
import type { PackageRecord } from './package-record.ts';
import { tarOf } from './tar-items.ts';
import type { ComposeRequest } from './types.ts';

/** Raise it when the script stage gives another result for the same packages. */
export const SCRIPTS_FORMAT = 2;

export interface ScriptsInput {
  /** Layers of this build below the top one, lowest first. */
  readonly layers: readonly StoredLayer[];
  /** Packages to configure, in dependency order. */
  readonly added: readonly PackageRecord[];
  /** dpkg's database with the added packages unpacked, and what else must be there before scripts run. */
  readonly state: readonly LayerItem[];
  readonly epoch: number;
}

const MAX_LAYER_BYTES = 8 * 1024 ** 3;
const unzstd = promisify(zstdDecompress);
const SCRIPT_TIMEOUT = 900_000;

/** Daemons must not start while an image is built (invoke-rc.d, policy-rc.d(8)). */
const POLICY = '#!/bin/sh\nexit 101\n';

function environment(epoch: number): Readonly<Record<string, string>> {
  return {
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    DEBCONF_NOWARNINGS: 'yes',
    SOURCE_DATE_EPOCH: String(epoch),
    // Set iteration order decides what some byte-compilers write.
    PYTHONHASHSEED: '0',
    LC_ALL: 'C.UTF-8',
    LANG: 'C.UTF-8',
    HOME: '/root',
  };
}

/**
 * Runs the maintainer scripts of unpacked packages in a sandbox without network: `preinst install` in dependency order,
 * then `dpkg --configure -a`, and returns what they changed, normalised.
 * @throws SANDBOX_UNAVAILABLE, COMPOSE_SCRIPT_FAILED
 */
export async function runScripts(request: ComposeRequest, input: ScriptsInput): Promise<readonly LayerItem[]> {
  await mkdir(request.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(request.scratch, 'sandbox-'));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(request.log ? { log: request.log } : {}) });
    try {
      await fill(request, sandbox, input);
      await sandbox.mount(['tools', 'state', 'base']);
      await preinst(request, sandbox, input);
      await configure(request, sandbox, input);
      return await normalizeChanges(sandbox.changes(), input.epoch);
    } finally {
      await sandbox.close();
    }
  } finally {
    await rmdir(mountPoint);
  }
}

async function fill(request: ComposeRequest, sandbox: Sandbox, input: ScriptsInput): Promise<void> {
  const [base, state, tools] = (await Promise.all(
    ['base', 'state', 'tools'].map((name) => sandbox.directory(name)),
  )) as [string, string, string];
  if (request.base !== undefined) await unpackImage(request.base.image, base);
  // Decompression runs beside unpacking, on the thread pool.
  for await (const layer of ahead(input.layers, LAYERS_AHEAD, (layer) => plainOf(request, layer))) {
    request.signal?.throwIfAborted();
    extractTarBuffer(layer, base);
  }
  extractTarBuffer(tarOf(input.state), state);
  const policy = Buffer.from(POLICY);
  const common = { uid: 0, gid: 0, mtime: input.epoch, mode: 0o755 };
  extractTarBuffer(
    tarOf([
      { header: { ...common, path: 'usr', type: 'directory', size: 0 } },
      { header: { ...common, path: 'usr/sbin', type: 'directory', size: 0 } },
      { header: { ...common, path: 'usr/sbin/policy-rc.d', type: 'file', size: policy.length }, content: policy },
    ]),
    tools,
  );
}

async function plainOf(request: ComposeRequest, layer: StoredLayer): Promise<Buffer> {
  const { digest, mediaType } = layer.descriptor;
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

/** What dpkg sets for a maintainer script (dpkg(1), INTERNAL ENVIRONMENT). */
async function preinst(request: ComposeRequest, sandbox: Sandbox, input: ScriptsInput): Promise<void> {
  const withScript = input.added.filter((record) => record.scripts.includes('preinst'));
  if (withScript.length === 0) return;
  const program = [
    'set -e',
    'export DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ROOT= DPKG_ADMINDIR=/var/lib/dpkg',
    'export DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_ARCH',
    'while read -r DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_ARCH file; do',
    '  "/var/lib/dpkg/info/$file.preinst" install </dev/null || { echo "preinst of $DPKG_MAINTSCRIPT_PACKAGE: exit code $?" >&2; exit 1; }',
    'done',
  ].join('\n');
  const stdin = withScript
    .map(
      (record) =>
        `${record.name} ${record.architecture} ${infoName(record.name, record.architecture, record.multiArch)}\n`,
    )
    .join('');
  const result = await sandbox.run(['/bin/sh', '-c', program], options(request, input, stdin));
  refuse(result, 'a preinst script');
}

async function configure(request: ComposeRequest, sandbox: Sandbox, input: ScriptsInput): Promise<void> {
  const result = await sandbox.run(
    ['/usr/bin/dpkg', '--force-unsafe-io', '--configure', '--pending'],
    options(request, input),
  );
  refuse(result, 'dpkg --configure');
  request.log?.debug('maintainer scripts', { output: result.stdout.toString('utf8').slice(-4000) });
}

function options(request: ComposeRequest, input: ScriptsInput, stdin = '') {
  return {
    environment: environment(input.epoch),
    stdin,
    limits: { timeout: SCRIPT_TIMEOUT },
    ...(request.signal ? { signal: request.signal } : {}),
  };
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
