import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { discoverMirrors } from '../../src/feed/index.ts';

const run = promisify(execFile);
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where packages that tests need are kept between runs. */
export const TEST_PACKAGES = process.env.HERAKLIT_TEST_TOOLS ?? join(homedir(), '.cache', 'heraklit-test-tools');

/** File in the root that names what was unpacked, `NAME_VERSION_ARCHITECTURE.deb` a line. */
export const UNPACKED = 'unpacked-packages';

/**
 * Unpacks packages of any suites into one folder; nothing is installed. apt verifies the suites' signatures and the
 * packages' hashes, as for any package it installs.
 * @param root appears when all of them are there
 * @param packages `NAME/SUITE`
 */
export async function unpackPackages(root: string, packages: readonly string[]): Promise<void> {
  if (spawnSync('apt-get', ['--version']).error !== undefined)
    throw new Error('packages for tests come from apt; none here');
  const work = `${root}.${process.pid}`;
  const apt = join(work, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'parts', 'packages', 'root']) {
    await mkdir(join(apt, folder), { recursive: true });
  }
  try {
    const [base] = (await discoverMirrors({ id: 'debian' })).main;
    await writeFile(join(apt, 'status'), '');
    // A testing suite that nobody refreshed for a week is past its Valid-Until: for test tools its signature suffices.
    const suites = [...new Set(packages.map((one) => one.slice(one.indexOf('/') + 1)))];
    const sources = suites.map((suite) => `deb [signed-by=${KEYRING} check-valid-until=no] ${base} ${suite} main\n`);
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
    const folder = join(apt, 'packages');
    await run('apt-get', [...options, 'download', '-q', ...packages], { cwd: folder });
    const names = await readdir(folder);
    for (const name of names) {
      await run('dpkg', ['-x', join(folder, name), join(apt, 'root')]);
    }
    await writeFile(join(apt, 'root', UNPACKED), names.map((name) => `${decodeURIComponent(name)}\n`).join(''));
    await rm(root, { recursive: true, force: true });
    await rename(join(apt, 'root'), root);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
