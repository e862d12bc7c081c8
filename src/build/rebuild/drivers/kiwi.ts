import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ResolvedImage } from '../../../oci/index.ts';
import { saveImage } from '../../../transport/index.ts';
import { containerVariables, writeInside } from '../confine/runtime-wrapper.ts';
import { rebuildError } from '../errors.ts';
import {
  configurationFiles,
  containerSpec,
  DESCRIPTION,
  FIRST_ID,
  PLACE,
  programFolders,
  WORK,
} from '../kiwi/container.ts';
import type { ReadDescription } from '../kiwi/read.ts';
import { findProgram } from './programs.ts';
import { type Builder, type BuilderResult, type BuildJob, imageKey } from './types.ts';

/** What kiwi calls for containers of Debian packages; what others need, kiwi itself says. */
const NEEDED = ['kiwi-ng', 'runc', 'umoci', 'skopeo', 'rsync', 'mount'];
const TAG = 'base';

/**
 * Puts the parts of the container where no folder in between is closed to its users, in mounts that end with the build.
 * Arguments: directory, description folder, runtime.
 */
const SCRIPT = `
set -e
directory=$1 description=$2 runc=$3
mount -t tmpfs -o mode=755,size=64m tmpfs ${PLACE}
mkdir ${PLACE}/inside ${PLACE}/description ${PLACE}/work ${PLACE}/bundle ${PLACE}/bundle/rootfs ${PLACE}/state
mount --rbind "$directory/bundle/rootfs" ${PLACE}/bundle/rootfs
mount --bind "$directory/runtime/inside" ${PLACE}/inside
mount --bind "$description" ${PLACE}/description
mount --bind "$directory/work" ${PLACE}/work
cp "$directory/bundle/config.json" ${PLACE}/bundle/
exec "$runc" --root ${PLACE}/state run --bundle ${PLACE}/bundle "heraklit-kiwi-$$"
`;

/**
 * Inside. kiwi mounts /dev without what is mounted in it; the nodes of a container are such mounts.
 * Arguments: options of kiwi before the command, \`--\`, options after it.
 */
const MOUNT = `#!/bin/sh
case "$1 $2" in "-n --bind") shift 2; exec /usr/bin/mount -n --rbind "$@" ;; esac
exec /usr/bin/mount "$@"
`;

/** Kiwi, in a container of this machine's own programs. */
export function createKiwi(path = process.env.PATH): Builder<ReadDescription> {
  const missing = NEEDED.filter((name) => findProgram(name, path) === undefined);
  return {
    name: 'kiwi',
    missing: () => {
      if (missing.length > 0) return `${missing.join(', ')} not installed`;
      return process.getuid?.() === 0 ? undefined : 'building without network needs root';
    },
    build: (job) => build(job, findProgram('runc', path) ?? 'runc'),
  };
}

async function build(job: BuildJob<ReadDescription>, runc: string): Promise<BuilderResult> {
  const { directory, recipe, platform, epoch } = job;
  const work = join(directory, 'work');
  for (const name of ['', 'cache', 'tmp', 'out']) await ownFolder(join(work, name));
  await chown(join(work, 'tmp'), FIRST_ID, FIRST_ID);
  const inside = await writeInside(join(directory, 'runtime'), job.certificate);
  const [use] = recipe.uses;
  const base = use === undefined ? undefined : job.images.get(imageKey(use.name, platform));
  const derived = base === undefined ? [] : await writeBase(base, work, job.signal);
  const bundle = join(directory, 'bundle');
  const configuration = configurationFiles(existsSync);
  await writeRoot(join(bundle, 'rootfs'), inside.certificate, configuration);
  const argv = [
    ...['kiwi-ng', '--config', '/etc/kiwi.yml', '--temp-dir', '/tmp', '--type', recipe.type.image],
    ...recipe.profiles.flatMap((name) => ['--profile', name]),
    ...(job.target === undefined ? [] : ['--kiwi-file', job.target]),
    ...['system', 'build', '--description', DESCRIPTION, '--target-dir', `${WORK}/out`],
    ...derived,
    ...Object.entries(job.labels).map(([name, value]) => `--add-container-label=${name}=${value}`),
  ];
  const { always, defaults } = containerVariables(epoch);
  const env = {
    ...defaults,
    ...always,
    PATH: '/heraklit:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    TMPDIR: '/tmp',
    LC_ALL: 'C.UTF-8',
    // What makes debootstrap take device nodes as they are: in a user namespace none can be made.
    container: 'lxc',
  };
  const limits = { memory: job.limits.memory, processes: job.limits.processes };
  const spec = containerSpec({ argv, env, limits, configuration });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec));
  const exitCode = await job.inside(['/bin/sh', '-c', SCRIPT, 'sh', directory, job.context, runc], {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    LC_ALL: 'C',
  });
  const file = exitCode === 0 ? await resultOf(join(work, 'out'), recipe) : '';
  const kind = recipe.type.image === 'docker' ? 'docker-archive' : 'oci-archive';
  return { exitCode, image: { kind, file, tag: undefined }, names: new Map() };
}

async function ownFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chown(path, FIRST_ID, FIRST_ID);
}

/** The image that it is derived from, in a form that umoci reads: no zstd. */
async function writeBase(
  image: ResolvedImage,
  work: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const file = join(work, 'base.tar');
  await saveImage(image, { kind: 'docker-archive', file, tag: TAG }, signal === undefined ? {} : { signal });
  await chown(file, FIRST_ID, FIRST_ID);
  return [`--set-container-derived-from=docker-archive:${WORK}/${basename(file)}`];
}

const FOLDERS = [
  ...[
    'dev',
    'proc',
    'sys',
    'run',
    'root',
    'tmp',
    'etc',
    'etc/containers',
    'etc/rpm',
    'etc/ssl',
    'etc/ssl/certs',
    'heraklit',
  ],
  ...['description', 'work', 'var', 'var/cache', 'var/cache/kiwi', 'var/tmp', 'var/lib', 'var/log'],
];

/** Everything that is looked up in a machine's configuration, as if it had none. */
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n',
  'etc/resolv.conf': 'nameserver 127.0.0.1\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  // Debian's rpm keeps its database in a home folder; kiwi moves this one to where the rpm of the image wants it.
  'etc/rpm/macros': '%_dbpath /usr/lib/sysimage/rpm\n',
  'etc/kiwi.yml': 'container:\n  - compress: false\n',
  'etc/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
};

async function writeRoot(root: string, certificate: string, configuration: readonly string[]): Promise<void> {
  const { links, folders } = programFolders();
  for (const name of [...FOLDERS, ...folders]) await mkdir(join(root, name), { recursive: true });
  for (const [name, target] of links) await symlink(target, join(root, name));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(root, name), text);
  for (const name of configuration) {
    if ((await stat(`/etc/${name}`)).isDirectory()) await mkdir(join(root, 'etc', name));
    else await writeFile(join(root, 'etc', name), '');
  }
  await copyFile(certificate, join(root, 'etc/ssl/certs/ca-certificates.crt'));
  await writeFile(join(root, 'heraklit/mount'), MOUNT, { mode: 0o755 });
}

/** The archive that kiwi names after image and version. @throws REBUILD_FAILED */
async function resultOf(folder: string, { name, type }: ReadDescription): Promise<string> {
  const found = (await readdir(folder)).filter((file) => file.endsWith(`.${type.image}.tar`));
  if (found.length === 1) return join(folder, found[0] as string);
  throw rebuildError('REBUILD_FAILED', `kiwi left ${found.length} archives of ${name}, and one was expected`);
}
