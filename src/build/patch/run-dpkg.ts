import { copyFile, lstat, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Progress } from '../../base/index.ts';
import type { InstalledPackage, RepositoryPackage } from '../../distro/index.ts';
import type { Change, RunLimits, Sandbox } from '../../runtime/sandbox/index.ts';
import { quickPrograms } from '../scripts/quick-programs.ts';
import { dpkgOrder } from './dpkg-order.ts';
import { type DpkgStep, dpkgSteps } from './dpkg-steps.ts';
import { patchError } from './errors.ts';

/** Where the packages appear inside the sandbox; dropped from the result. */
const PACKAGES = 'var/cache/heraklit';

/** policy-rc.d: no maintainer script may start a service while an image is built (invoke-rc.d(8)). */
const NO_SERVICES = '#!/bin/sh\nexit 101\n';

/** No SOURCE_DATE_EPOCH: with it, Python's byte code comes out in another form than apt's run makes. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
} as const;

/** What a person would answer who changed nothing: keep changed configuration files, take new ones elsewhere. */
const OPTIONS = ['--force-confdef', '--force-confold', '--force-unsafe-io', '--auto-deconfigure', '--no-debsig'];

/** All that dpkg is given besides packages and image. */
export const DPKG_INPUTS = [NO_SERVICES, ENVIRONMENT, OPTIONS] as const;

/** A few hundred packages with kernels and TeX among them take minutes; nothing takes half an hour. */
const LIMITS: Partial<RunLimits> = { timeout: 30 * 60_000 };

export interface DpkgRun {
  readonly sandbox: Sandbox;
  /** Name of the sandbox folder that holds the image's root. */
  readonly root: string;
  readonly packages: readonly { readonly pkg: RepositoryPackage; readonly file: string }[];
  /** What is installed in the image. */
  readonly installed: readonly InstalledPackage[];
  readonly limits?: Partial<RunLimits>;
  readonly log: Log;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

export interface DpkgResult {
  readonly changes: readonly Change[];
  /** Something looked at what lies right below `/`, whatever it is called. */
  readonly listedRoot: boolean;
}

/**
 * Lets the image's own dpkg install packages in the sandbox, so that conffiles, diversions, triggers and scripts are
 * treated exactly as that version of dpkg treats them.
 *
 * @throws PATCH_FAILED with dpkg's own words
 */
export async function runDpkg(run: DpkgRun): Promise<DpkgResult> {
  const support = await run.sandbox.directory('packages');
  await mkdir(join(support, PACKAGES), { recursive: true });
  await mkdir(join(support, 'usr/sbin'), { recursive: true });
  await writeFile(join(support, 'usr/sbin/policy-rc.d'), NO_SERVICES, { mode: 0o755 });
  for (const { pkg, file } of run.packages) await copyFile(file, join(support, PACKAGES, fileName(pkg)));
  // The image's root lies on top: its own policy-rc.d and its folders' owners and modes win.
  await run.sandbox.mount([run.root, 'packages']);
  // A listing of `/` sets this folder's access time, as it is older than the modification (relatime, mount(8)).
  const modified = (await lstat(run.sandbox.upper)).mtime;
  await utimes(run.sandbox.upper, 0, modified);
  run.progress.update('patch', 0, 0, `dpkg installs ${run.packages.length} packages`);
  const order = dpkgOrder(run.packages.map(({ pkg }) => pkg));
  const steps = dpkgSteps(order, run.installed);
  for (const step of steps) {
    const { unpack, configure } = commandsOf(step);
    if (unpack !== undefined) await runCommand(unpack, run);
    await runCommand(configure, run, await quickPrograms(run.sandbox.root));
  }
  const listedRoot = (await lstat(run.sandbox.upper)).atimeMs !== 0;
  return { changes: await Array.fromAsync(run.sandbox.changes()), listedRoot };
}

const fileName = (pkg: RepositoryPackage): string => `${pkg.name}_${pkg.architecture}.deb`;

interface Commands {
  readonly unpack: readonly string[] | undefined;
  readonly configure: readonly string[];
}

/** As apt calls dpkg: triggers wait until packages are configured. */
function commandsOf(step: DpkgStep): Commands {
  const files = step.unpack.map((pkg) => `/${PACKAGES}/${fileName(pkg)}`);
  const names =
    step.configure === 'pending'
      ? ['--pending']
      : step.configure.map((pkg) => (pkg.multiArch === 'same' ? `${pkg.name}:${pkg.architecture}` : pkg.name));
  return {
    unpack: files.length > 0 ? ['--no-triggers', '--unpack', ...files] : undefined,
    configure: ['--configure', ...names],
  };
}

async function runCommand(
  command: readonly string[],
  run: DpkgRun,
  standIns?: ReadonlyMap<string, string>,
): Promise<void> {
  const result = await run.sandbox.run(['dpkg', ...OPTIONS, ...command], {
    environment: ENVIRONMENT,
    limits: { ...LIMITS, ...run.limits },
    ...(standIns === undefined ? {} : { standIns }),
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  });
  run.log.debug('dpkg', { stdout: result.stdout.toString('utf8').slice(-4000) });
  if (result.code === 0) return;
  const words = result.stderr.toString('utf8').trim().split('\n');
  const shown = words.filter((line) => line.startsWith('dpkg: ') || line.startsWith(' ')).slice(0, 6);
  throw patchError(
    'PATCH_FAILED',
    `dpkg ended with code ${result.code} inside the image: ${(shown.length > 0 ? shown : words.slice(-6))
      .map((line) => line.trim())
      .join('; ')
      .slice(0, 2000)}`,
    { hint: 'Nothing was written. Run again with --verbose to see all of dpkg’s output, or rebuild the image.' },
  );
}
