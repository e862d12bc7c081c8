import { execFile } from 'node:child_process';
import { access, copyFile, cp, mkdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { FlatTree, ResolvedImage } from '../../../oci/index.ts';
import type { Sandbox } from '../../../runtime/sandbox/index.ts';
import { patchError } from '../errors.ts';
import { canonicalPath } from '../file-level.ts';
import type { RpmDatabasePlace } from './database-place.ts';

const run = promisify(execFile);

/** The rpm that runs inside the image's root. */
export interface RpmTool {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of the sandbox that has it; undefined: the image's own. */
  readonly lower: string | undefined;
}

const OWN = ['usr/bin/rpm', 'bin/rpm', 'usr/local/bin/rpm'];
const HOST = '/usr/bin/rpm';
const HOST_CONFIG = '/usr/lib/rpm';
/** Where this machine's rpm appears inside the sandbox; dropped from the result, as all of that folder is. */
const PLACE = 'var/cache/heraklit/rpm';

/** GOARCH of this machine: its rpm runs in images of the same. */
const NATIVE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export const hasOwnRpm = (tree: FlatTree): boolean => OWN.some((path) => tree.has(canonicalPath(path, tree)));

/**
 * The image's own rpm; where it has none, this machine's, with the libraries it needs, as a folder below the image's:
 * scripts run confined and see the image either way.
 *
 * @throws PATCH_NO_TOOL
 */
export async function rpmTool(
  image: ResolvedImage,
  tree: FlatTree,
  { backend }: RpmDatabasePlace,
  sandbox: Sandbox,
): Promise<RpmTool> {
  if (hasOwnRpm(tree)) return { argv: ['rpm'], environment: {}, lower: undefined };
  const why = await whyNotHosts(image, backend);
  if (why !== undefined) {
    throw patchError('PATCH_NO_TOOL', `${image.digest} has no rpm, and ${why}`, {
      hint: 'Install rpm on this machine, or rebuild the image.',
    });
  }
  return hostRpm(sandbox);
}

/** This machine's rpm with its libraries and settings, as a folder of the sandbox to be mounted below the image's. */
export async function hostRpm(sandbox: Sandbox): Promise<RpmTool> {
  const folder = await sandbox.directory('tool');
  const place = join(folder, PLACE);
  await mkdir(join(place, 'lib'), { recursive: true });
  await copyFile(await realpath(HOST), join(place, 'rpm'));
  await cp(HOST_CONFIG, join(place, 'config'), { recursive: true, dereference: true });
  const { stdout } = await run('ldd', [HOST]);
  let loader = '';
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    const target = join(place, 'lib', basename(library));
    await copyFile(library, target);
    if (/\/ld-[^/]+$/.test(library)) loader = `/${PLACE}/lib/${basename(library)}`;
  }
  return {
    argv: [loader, '--library-path', `/${PLACE}/lib`, `/${PLACE}/rpm`],
    environment: { RPM_CONFIGDIR: `/${PLACE}/config` },
    lower: 'tool',
  };
}

async function whyNotHosts(image: ResolvedImage, backend: RpmDatabasePlace['backend']): Promise<string | undefined> {
  const isThere = await access(HOST).then(
    () => true,
    () => false,
  );
  if (!isThere) return 'this machine has none either';
  if (NATIVE[process.arch] !== image.config.architecture) return 'this machine’s is of another architecture';
  if (backend === 'bdb') return 'its database is of a format (Berkeley DB) that only old ones write';
  return undefined;
}
