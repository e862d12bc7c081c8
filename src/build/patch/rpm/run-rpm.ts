import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Progress } from '../../../base/index.ts';
import { isInstallOnly, type RepositoryPackage } from '../../../distro/index.ts';
import type { Change, RunLimits, RunResult, Sandbox } from '../../../runtime/sandbox/index.ts';
import { patchError } from '../errors.ts';
import type { RpmDatabasePlace } from './database-place.ts';
import type { RpmTool } from './rpm-tool.ts';

/** Where the packages appear inside the sandbox; dropped from the result. */
const PACKAGES = 'var/cache/heraklit';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
} as const;

/** Packages were verified by the index's word for their hash; rpm looks at their own checksums once more. */
const OPTIONS = ['--nosignature', '--define', '_pkgverify_level digest'];

/** As for dpkg: nothing takes half an hour. */
const LIMITS: Partial<RunLimits> = { timeout: 30 * 60_000 };

export interface RpmRun {
  readonly sandbox: Sandbox;
  /** Name of the sandbox folder that holds the image's root. */
  readonly root: string;
  readonly database: RpmDatabasePlace;
  readonly tool: RpmTool;
  readonly packages: readonly { readonly pkg: RepositoryPackage; readonly file: string }[];
  /** Has the image a shell; if not: did it ever have one? */
  readonly shell: 'there' | 'lost' | 'never';
  readonly limits?: Partial<RunLimits>;
  readonly log: Log;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

const fileName = ({ name, version, architecture }: RepositoryPackage): string =>
  `${name}-${version.replace(':', '_')}.${architecture}.rpm`;

/**
 * Lets rpm bring packages into the image's root in the sandbox: configuration files, scripts, triggers and obsoletes are
 * treated as that rpm treats them, dependencies checked once more.
 *
 * @throws PATCH_FAILED with rpm's own words; PATCH_SCRIPTS_NEEDED
 */
export async function runRpm(run: RpmRun): Promise<readonly Change[]> {
  const support = await run.sandbox.directory('packages');
  await mkdir(join(support, PACKAGES), { recursive: true });
  for (const { pkg, file } of run.packages) await copyFile(file, join(support, PACKAGES, fileName(pkg)));
  // The image's root lies on top: its folders' owners and modes win.
  await run.sandbox.mount([run.root, 'packages', ...(run.tool.lower === undefined ? [] : [run.tool.lower])]);
  run.progress.update('patch', 0, 0, `rpm installs ${run.packages.length} packages`);
  const place = ['--dbpath', `/${run.database.folder}`];
  // Where it is not the image's own, it would write the format that it prefers itself.
  const backend = run.tool.lower === undefined ? [] : ['--define', `_db_backend ${run.database.backend}`];
  if (backend.length > 0) await mustKnowFormat([...place, ...backend], run);
  const common = [...OPTIONS, ...place, ...backend, ...(await forceDebian(run)), ...(await withoutScripts(run))];
  const paths = (packages: RpmRun['packages']) => packages.map(({ pkg }) => `/${PACKAGES}/${fileName(pkg)}`);
  for (const [mode, packages] of [
    ['-U', run.packages.filter(({ pkg }) => !isInstallOnly(pkg))],
    ['-i', run.packages.filter(({ pkg }) => isInstallOnly(pkg))],
  ] as const) {
    if (packages.length > 0) await install([mode, ...common, ...paths(packages)], run);
  }
  return Array.fromAsync(run.sandbox.changes());
}

/** Not every rpm was built with every format; one that lacks it goes on with a database that it makes up. */
async function mustKnowFormat(options: readonly string[], run: RpmRun): Promise<void> {
  const { stderr } = await start(['-q', ...options, 'rpm'], run);
  if (!/invalid %_db_backend|dummy database/.test(stderr.toString('utf8'))) return;
  const what = `the image has no rpm, and this machine’s cannot write its database (${run.database.backend})`;
  throw patchError('PATCH_NO_TOOL', what, {
    hint: 'Rebuild the image, or patch it on a machine of its own distribution.',
  });
}

/** Debian's rpm wants to be told that it is meant. */
async function forceDebian(run: RpmRun): Promise<readonly string[]> {
  const { code } = await start(['--force-debian', '--version'], run);
  return code === 0 ? ['--force-debian'] : [];
}

/** In an image that never had a shell no script ever ran, and none has to now. */
async function withoutScripts(run: RpmRun): Promise<readonly string[]> {
  if (run.shell === 'there') return [];
  const files = run.packages.map(({ pkg }) => `/${PACKAGES}/${fileName(pkg)}`);
  const { stdout } = await start(['-qp', '--nosignature', '--scripts', ...files], run);
  const hasScripts = /^\w+ (?:scriptlet|program)/m.test(stdout.toString('utf8'));
  if (!hasScripts) return [];
  if (run.shell === 'lost') {
    throw patchError(
      'PATCH_SCRIPTS_NEEDED',
      'scripts of the packages would have to run, and the image has no /bin/sh',
      {
        hint: 'Rebuild it from its recipe or Dockerfile, or leave the packages out with --package.',
      },
    );
  }
  run.log.warn('scripts of packages cannot run in this image, and never did');
  return ['--noscripts', '--notriggers'];
}

const start = (args: readonly string[], run: RpmRun): Promise<RunResult> =>
  run.sandbox.run([...run.tool.argv, ...args], {
    environment: { ...ENVIRONMENT, ...run.tool.environment },
    limits: { ...LIMITS, ...run.limits },
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  });

async function install(args: readonly string[], run: RpmRun): Promise<void> {
  const result = await start(args, run);
  const words = result.stderr
    .toString('utf8')
    .trim()
    .split('\n')
    .filter((line) => !/RPM should not be used directly|assuming you know what/.test(line));
  if (result.code === 0) {
    if (words.some((line) => line !== '')) run.log.warn('rpm', { stderr: words.join('\n').slice(-2000) });
    return;
  }
  throw patchError(
    'PATCH_FAILED',
    `rpm ended with code ${result.code} inside the image: ${words
      .map((line) => line.trim())
      .join('; ')
      .slice(0, 2000)}`,
    { hint: 'Nothing was written. Rebuild the image, or leave packages out with --package.' },
  );
}
