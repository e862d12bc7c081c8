import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerItem } from '../../../oci/index.ts';
import { createSandbox, type RunResult, type Sandbox } from '../../../runtime/sandbox/index.ts';
import type { RpmDatabasePlace } from '../../patch/rpm/database-place.ts';
import { hostRpm, type RpmTool } from '../../patch/rpm/rpm-tool.ts';
import { composeError } from '../errors.ts';
import { takeChanges } from '../normalize.ts';
import type { ComposeRequest } from '../types.ts';
import { normalDatabase } from './database.ts';
import type { LockedRpm } from './open-packages.ts';

/** Where packages appear inside the sandbox; dropped from the result. */
const PACKAGES = 'var/cache/heraklit/packages';
const OURS = /^var\/cache\/heraklit(?:\/|$)/;
/** Half an hour: a script may make byte code of everything. */
const TIMEOUT = 30 * 60_000;

/** Packages were verified by the lock's word for their hash; rpm looks at their own checksums once more. */
const OPTIONS = ['--nosignature', '--define', '_pkgverify_level digest'];

/**
 * Lets this machine's rpm install packages into an empty root in a sandbox, in its own order, scripts and triggers with
 * the image's own programs; install times are the lock's.
 *
 * @throws COMPOSE_SCRIPT_FAILED with rpm's words, SANDBOX_*
 */
export async function installRpm(
  request: ComposeRequest,
  packages: readonly LockedRpm[],
  database: RpmDatabasePlace,
  epoch: number,
): Promise<readonly LayerItem[]> {
  const { scratch, log } = request;
  await mkdir(scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(scratch, 'rpm-'));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(log ? { log } : {}) });
    try {
      const tool = await fill(sandbox, packages);
      refuse(await run(request, sandbox, tool, packages, database, epoch));
      const items = await takeChanges(sandbox.changes());
      const own = items.filter(({ header }) => !OURS.test(header.path));
      return await normalDatabase(withoutEmptyCache(own, packages), database, scratch);
    } finally {
      await sandbox.close();
    }
  } finally {
    await rmdir(mountPoint);
  }
}

async function fill(sandbox: Sandbox, packages: readonly LockedRpm[]): Promise<RpmTool> {
  const tool = await hostRpm(sandbox);
  await sandbox.directory('root');
  const folder = join(await sandbox.directory('packages'), PACKAGES);
  await mkdir(folder, { recursive: true });
  for (const { bytes, fileName } of packages) await writeFile(join(folder, fileName), bytes);
  await sandbox.mount(['root', 'packages', ...(tool.lower === undefined ? [] : [tool.lower])]);
  return tool;
}

async function run(
  request: ComposeRequest,
  sandbox: Sandbox,
  tool: RpmTool,
  packages: readonly LockedRpm[],
  { folder, backend }: RpmDatabasePlace,
  epoch: number,
): Promise<RunResult> {
  const start = (args: readonly string[]): Promise<RunResult> =>
    sandbox.run([...tool.argv, ...args], {
      environment: {
        ...tool.environment,
        ...{ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' },
        // rpm takes it for the time of installation (rpm 4.18 and newer).
        SOURCE_DATE_EPOCH: String(epoch),
      },
      limits: { timeout: TIMEOUT },
      ...(request.signal ? { signal: request.signal } : {}),
    });
  // Debian's rpm wants to be told that it is meant.
  const debian = (await start(['--force-debian', '--version'])).code === 0 ? ['--force-debian'] : [];
  const scripts = request.recipe.scripts === 'none' ? ['--noscripts', '--notriggers', '--ignorearch'] : [];
  const place = ['--dbpath', `/${folder}`, '--define', `_db_backend ${backend}`];
  const files = packages.map(({ fileName }) => `/${PACKAGES}/${fileName}`);
  request.progress?.update('rpm', 0, packages.length);
  const result = await start(['-i', ...OPTIONS, ...place, ...debian, ...scripts, ...files]);
  request.progress?.update('rpm', packages.length, packages.length);
  return result;
}

const NOISE = /RPM should not be used directly|assuming you know what/;
/** Not every rpm was built with every format; one that lacks it goes on with another. */
const NO_FORMAT = /invalid %_db_backend|dummy database/;

function refuse({ code, stderr }: RunResult): void {
  const words = stderr.toString('utf8').trim().split('\n');
  if (words.some((line) => NO_FORMAT.test(line))) {
    throw composeError('COMPOSE_NO_TOOL', 'this machine’s rpm cannot write the database of that distribution', {
      hint: 'Build on a machine of its own family, or take a Dockerfile on an image of it.',
    });
  }
  // A failed %post is told, and rpm goes on; an image whose scripts failed is none.
  const failed = words.filter((line) => /scriptlet failed/.test(line));
  if (code === 0 && failed.length === 0) return;
  const told = words.filter((line) => line !== '' && !NOISE.test(line)).map((line) => line.trim());
  throw composeError('COMPOSE_SCRIPT_FAILED', `rpm ended with code ${code}: ${told.join('; ').slice(0, 2000)}`, {
    hint: '`scripts: none` builds without the packages’ scripts.',
    details: { output: told.slice(-50).join('\n') },
  });
}

/** Folders that stand there only because packages lay below them. */
function withoutEmptyCache(items: readonly LayerItem[], packages: readonly LockedRpm[]): readonly LayerItem[] {
  const owned = new Set(packages.flatMap(({ archive }) => archive.paths.map((path) => path.replace(/^\/+/, ''))));
  const isNeeded = (folder: string): boolean =>
    owned.has(folder) || items.some(({ header }) => header.path.startsWith(`${folder}/`));
  const empty = ['var/cache', 'var'].filter((folder) => !isNeeded(folder));
  return items.filter(({ header }) => !empty.includes(header.path));
}
