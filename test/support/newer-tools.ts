/**
 * Registry clients that the machine's own Debian does not have yet, from newer suites of its own mirror, unpacked aside:
 * nothing is installed. `node test/support/newer-tools.ts` fetches what is missing; tests ask `newerTool` for a path.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_PACKAGES, unpackPackages } from './unpack-packages.ts';

/** Package and the suite it comes from. */
const PACKAGES = [
  'oras/trixie',
  'cosign/trixie',
  'crane/forky',
  'docker-cli/trixie',
  'docker.io/trixie',
  'containerd/trixie',
  'docker-buildx/trixie',
  'docker-compose/trixie',
  'busybox-static/trixie',
];
/** Files of those packages that tests run. */
const PROGRAMS = {
  oras: 'usr/bin/oras',
  cosign: 'usr/bin/cosign',
  crane: 'usr/bin/crane',
  docker: 'usr/bin/docker',
  dockerd: 'usr/sbin/dockerd',
  containerd: 'usr/bin/containerd',
  buildx: 'usr/libexec/docker/cli-plugins/docker-buildx',
  compose: 'usr/libexec/docker/cli-plugins/docker-compose',
  busybox: 'usr/bin/busybox',
} as const;

/** Changes with what is fetched, so that an older set is not taken for this one. */
const ROOT = join(TEST_PACKAGES, PACKAGES.join('+').replaceAll('/', '@'));

/** For PATH: one of these programs starts others of them. */
export const newerToolsPath = ['usr/bin', 'usr/sbin', 'usr/libexec/docker/cli-plugins']
  .map((folder) => join(ROOT, folder))
  .join(':');

/** Path of a program; undefined where it was not fetched. */
export function newerTool(name: keyof typeof PROGRAMS): string | undefined {
  const path = join(ROOT, PROGRAMS[name]);
  return existsSync(path) ? path : undefined;
}

async function fetchNewerTools(): Promise<void> {
  if (Object.values(PROGRAMS).every((path) => existsSync(join(ROOT, path)))) return;
  await unpackPackages(ROOT, PACKAGES);
}

if (import.meta.main) await fetchNewerTools();
