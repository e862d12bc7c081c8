/**
 * Registry clients that the machine's own Debian does not have yet, from newer suites of its own mirror, unpacked aside:
 * nothing is installed. `node test/support/newer-tools.ts` fetches what is missing; tests ask `newerTool` for a path.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { discoverMirrors } from '../../src/feed/index.ts';

const run = promisify(execFile);
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Package and the suite it comes from. */
const PACKAGES = [
  'oras/trixie',
  'cosign/trixie',
  'crane/forky',
  'docker-cli/trixie',
  'docker.io/trixie',
  'containerd/trixie',
];
/** Files of those packages that tests run. */
const PROGRAMS = {
  oras: 'usr/bin/oras',
  cosign: 'usr/bin/cosign',
  crane: 'usr/bin/crane',
  docker: 'usr/bin/docker',
  dockerd: 'usr/sbin/dockerd',
  containerd: 'usr/bin/containerd',
} as const;

const FOLDER = process.env.HERAKLIT_TEST_TOOLS ?? join(homedir(), '.cache', 'heraklit-test-tools');
/** Changes with what is fetched, so that an older set is not taken for this one. */
const ROOT = join(FOLDER, PACKAGES.join('+').replaceAll('/', '@'));

/** For PATH: one of these programs starts others of them. */
export const newerToolsPath = ['usr/bin', 'usr/sbin'].map((folder) => join(ROOT, folder)).join(':');

/** Path of a program; undefined where it was not fetched. */
export function newerTool(name: keyof typeof PROGRAMS): string | undefined {
  const path = join(ROOT, PROGRAMS[name]);
  return existsSync(path) ? path : undefined;
}

/** apt verifies the suites' signatures and the packages' hashes, as for any package it installs. */
async function fetchNewerTools(): Promise<void> {
  if (Object.values(PROGRAMS).every((path) => existsSync(join(ROOT, path)))) return;
  if (spawnSync('apt-get', ['--version']).error !== undefined) throw new Error('newer tools come from apt; none here');
  const work = `${ROOT}.${process.pid}`;
  const apt = join(work, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'parts', 'packages', 'root']) {
    await mkdir(join(apt, folder), { recursive: true });
  }
  try {
    const [base] = (await discoverMirrors({ id: 'debian' })).main;
    await writeFile(join(apt, 'status'), '');
    // A testing suite that nobody refreshed for a week is past its Valid-Until: for test tools its signature suffices.
    const suites = [
      ['trixie', ''],
      ['forky', ' check-valid-until=no'],
    ];
    const sources = suites.map(([suite, more]) => `deb [signed-by=${KEYRING}${more}] ${base} ${suite} main\n`);
    await writeFile(join(apt, 'sources.list'), sources.join(''));
    const options = [
      `Dir::State::Lists=${join(apt, 'lists')}`,
      `Dir::State::status=${join(apt, 'status')}`,
      `Dir::Cache=${join(apt, 'cache')}`,
      `Dir::Etc::SourceList=${join(apt, 'sources.list')}`,
      `Dir::Etc::SourceParts=${join(apt, 'parts')}`,
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
      'Acquire::Retries=3',
    ].flatMap((option) => ['-o', option]);
    await run('apt-get', [...options, 'update', '-q', '--error-on=any']);
    const packages = join(apt, 'packages');
    await run('apt-get', [...options, 'download', '-q', ...PACKAGES], { cwd: packages });
    for (const name of await readdir(packages)) {
      await run('dpkg', ['-x', join(packages, name), join(apt, 'root')]);
    }
    await rm(ROOT, { recursive: true, force: true });
    await rename(join(apt, 'root'), ROOT);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

if (import.meta.main) await fetchNewerTools();
