/** check-support-status of Debian's own package is the oracle for which packages have lost their security support. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSecuritySupport, unsupportedPackages } from '../../src/distro/index.ts';

const FOLDER = '/usr/share/debian-security-support';

test('packages without, and with limited, security support are those of check-support-status', async (context) => {
  if (spawnSync('check-support-status', ['--version']).error !== undefined)
    return context.skip('check-support-status not installed');
  const names = (await readdir(FOLDER)).filter((name) => name.startsWith('security-support'));
  const files = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(FOLDER, name))] as const)),
  );
  const major = (await readFile('/etc/debian_version', 'utf8')).split('.')[0] ?? '';
  const notes = readSecuritySupport(files, major);
  assert.ok(notes.length > 10, `lists of Debian ${major}`);
  // Every source that is listed, as it is written: to the tool a dot is any character. And a few that a pattern covers, neighbours that none may catch.
  const sources = new Set(notes.map(({ pattern }) => pattern.replaceAll('.*', '-1.2')));
  for (const name of ['bash', 'golang', 'golang-1.19', 'rust', 'xgolang', 'binutils-mipsen', 'glibc', 'php-horde'])
    sources.add(name);
  const packages = [...sources].map((source) => ({ name: `bin-${source}`, version: '1.0', source: { name: source } }));

  const root = await mkdtemp(join(tmpdir(), 'heraklit-support-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'info'));
  await mkdir(join(root, 'updates'));
  const stanzas = packages.map(
    ({ name, version, source }) =>
      `Package: ${name}\nStatus: install ok installed\nMaintainer: A <a@example.org>\nArchitecture: all\nSource: ${source.name}\nVersion: ${version}\nDescription: x\n`,
  );
  await writeFile(join(root, 'status'), stanzas.join('\n'));
  const told = (type: 'ended' | 'limited'): readonly string[] => {
    const combined = join(FOLDER, `security-support.deb${major}`);
    const ours = type === 'ended' ? `security-support-ended.deb${major}` : 'security-support-limited';
    const list = existsSync(combined) ? combined : join(FOLDER, ours);
    const args = ['--type', type, '--list', list, '--no-heading'];
    const ended = spawnSync('check-support-status', args, {
      encoding: 'utf8',
      env: { ...process.env, DPKG_ADMINDIR: root, LC_ALL: 'C' },
    });
    assert.equal(ended.status, 0, ended.stderr);
    return [...ended.stdout.matchAll(/^\s+- (\S+) \(installed version/gm)].map((match) => match[1] as string).sort();
  };
  const found = unsupportedPackages(packages, notes, Date.now() / 1000);
  for (const type of ['ended', 'limited'] as const) {
    const ours = found.filter(({ support }) => support === type).map((item) => item.package);
    assert.deepEqual([...ours].sort(), told(type), type);
  }
  assert.ok(found.length > 10);
});
