import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPockets, discoverMirrors, findPocket } from '../../src/feed/index.ts';
import { type ImageConfig, MediaType, type ResolvedImage, unpackLayers } from '../../src/oci/index.ts';

/** Why roots cannot be made here; undefined where they can. */
export const noDebianRoots: string | undefined =
  spawnSync('mmdebstrap', ['--version']).error !== undefined
    ? 'mmdebstrap not installed'
    : process.getuid?.() === 0
      ? undefined
      : 'needs root: dpkg and apt run inside the root';

export function run(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
    const output: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-3000);
    });
    child.on('error', reject);
    // It may end without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('exit', (code) =>
      code === 0
        ? resolve(Buffer.concat(output).toString())
        : reject(new Error(`${command} ${args.join(' ')}: exit ${code}: ${errors}`)),
    );
  });
}

/** apt's lines for release, updates and security; the first is the release. */
export async function sourceLines(suite: string): Promise<readonly string[]> {
  const distribution = `debian/${suite}`;
  const mirrors = await discoverMirrors({ id: 'debian' });
  return defaultPockets(distribution).map((name) => {
    const pocket = findPocket(distribution, name);
    return `deb [check-valid-until=no] ${mirrors[pocket.archive][0]} ${pocket.suite} main`;
  });
}

/** A root made from the release pocket alone, so that it is honestly outdated, as a tar archive. */
export async function releaseTar(
  folder: string,
  suite: string,
  include: readonly string[],
  hooks: readonly string[] = [],
): Promise<string> {
  const file = join(folder, `${suite}.tar`);
  const lines = await sourceLines(suite);
  await run('mmdebstrap', [
    ...['--quiet', '--variant=apt', '--aptopt=Acquire::Check-Valid-Until "false"'],
    ...(include.length > 0 ? [`--include=${include.join(',')}`] : []),
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    ...[suite, file, lines[0] as string],
  ]);
  return file;
}

/** An OCI layout with one image: layers are tar files, uncompressed. */
export async function layoutOf(
  layout: string,
  layers: readonly string[],
  config: Partial<ImageConfig> = {},
): Promise<string> {
  const blobs = join(layout, 'blobs', 'sha256');
  await rm(layout, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  const put = async (value: object): Promise<{ digest: string; size: number }> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hash = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, hash), bytes);
    return { digest: `sha256:${hash}`, size: bytes.length };
  };
  const descriptors = await Promise.all(
    layers.map(async (file) => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
      const hex = hash.digest('hex');
      await copyFile(file, join(blobs, hex));
      return { mediaType: MediaType.layer, digest: `sha256:${hex}`, size: (await stat(file)).size };
    }),
  );
  const configured = await put({
    architecture: 'amd64',
    os: 'linux',
    ...config,
    rootfs: { type: 'layers', diff_ids: descriptors.map(({ digest }) => digest) },
  });
  const manifest = await put({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, ...configured },
    layers: descriptors,
    annotations: { 'com.example.kept': 'yes' },
  });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { 'org.opencontainers.image.ref.name': 'it' };
  const index = { schemaVersion: 2, manifests: [{ mediaType: MediaType.manifest, ...manifest, annotations }] };
  await writeFile(join(layout, 'index.json'), JSON.stringify(index));
  return `oci:${layout}:it`;
}

/** Unpacks an image as an engine does, device nodes apart. */
export async function unpackImage(image: ResolvedImage, root: string, indexes: readonly Whiteouts[]): Promise<void> {
  await mkdir(root, { recursive: true });
  const layers = image.manifest.layers.map(({ digest }, at) => ({
    index: indexes[at] ?? { whiteouts: [], opaques: [] },
    open: () => image.blobs.open(digest),
  }));
  await unpackLayers(layers, root);
}

interface Whiteouts {
  readonly whiteouts: readonly string[];
  readonly opaques: readonly string[];
}

/** Runs a command in a root with /proc and /dev, in mount and process namespaces of its own: nothing is left behind. */
export function inRoot(root: string, ...argv: readonly string[]): Promise<string> {
  const script =
    'root=$1; shift; mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"';
  const environment = [
    'env',
    '-i',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'DEBIAN_FRONTEND=noninteractive',
  ];
  return run('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh', root, ...environment, ...argv]);
}

/** The image's own apt brings the root up to date from release, updates and security. */
export async function aptUpgrade(root: string, suite: string): Promise<void> {
  await writeFile(join(root, 'etc/apt/sources.list'), `${(await sourceLines(suite)).join('\n')}\n`);
  await rm(join(root, 'etc/apt/sources.list.d'), { recursive: true, force: true });
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await copyFile('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  await copyFile('/etc/hosts', join(root, 'etc/hosts'));
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const options = ['-q', '-y', '--no-install-recommends', '-o', 'APT::Sandbox::User=root'];
  await inRoot(root, 'apt-get', ...options, '-o', 'Acquire::Languages=none', 'update');
  await inRoot(root, 'apt-get', ...options, '-o', 'Dpkg::Options::=--force-confold', 'dist-upgrade');
  await rm(join(root, 'usr/sbin/policy-rc.d'));
}
