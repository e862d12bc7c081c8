import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TarHeader } from '../../archive/index.ts';
import { flattenLayers } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { indexOf } from './base-image.ts';
import { outputFault } from './checks.ts';
import { fileFault } from './file-check.ts';
import { isUsable, refuseForeignScripts } from './foreign.ts';
import { tarOf } from './tar-items.ts';

const header = (path: string, more: Partial<TarHeader>): { header: TarHeader } => ({
  header: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0, ...more },
});

test('files are checked as a program in the image would find them', async () => {
  const layer = tarOf([
    header('usr', { type: 'directory', mode: 0o755 }),
    header('usr/bin', { type: 'directory', mode: 0o755 }),
    header('usr/bin/dash', { mode: 0o755, uid: 3, gid: 4 }),
    header('usr/bin/same', { type: 'hardlink', linkName: 'usr/bin/dash' }),
    header('usr/bin/sh', { type: 'symlink', linkName: 'dash' }),
    header('bin', { type: 'symlink', linkName: 'usr/bin' }),
    header('usr/up', { type: 'symlink', linkName: '../../bin/../bin/sh' }),
    header('loop', { type: 'symlink', linkName: '/loop' }),
    header('etc/gone', { type: 'symlink', linkName: '/nowhere' }),
  ]);
  const tree = flattenLayers([await indexOf(layer)]);
  const fault = (path: string, check: object = {}): string | undefined => fileFault(tree, path, check);
  assert.equal(fault('/bin/sh', { type: 'file', mode: '0755', uid: 3, gid: 4 }), undefined);
  assert.equal(fault('/bin/sh', { type: 'symlink' }), undefined);
  assert.equal(fault('/usr/up', { type: 'file' }), undefined);
  assert.equal(fault('/usr/bin/same', { mode: '755' }), undefined);
  assert.equal(fault('//usr//bin/', { type: 'directory' }), undefined);
  assert.equal(fault('/nothing', { exists: false }), undefined);
  assert.equal(fault('/bin/sh', { exists: false }), 'it is there, and should not be');
  for (const path of ['/nothing', '/loop', '/etc/gone', '/bin/sh/x']) assert.equal(fault(path), 'it is not there');
  assert.equal(fault('/bin/dash', { mode: '4755' }), 'its mode is 0755, expected 4755');
  assert.equal(fault('/bin/dash', { uid: 0 }), 'its owner is 3, expected 0');
  assert.equal(fault('/bin/dash', { gid: 0 }), 'its group is 4, expected 0');
  assert.equal(fault('/bin/dash', { type: 'directory' }), 'it is a file, expected a directory');
});

test('programs are checked by exit code and output', () => {
  const result = { code: 3, stdout: Buffer.from('one\ntwo 2\n'), stderr: Buffer.from('') };
  assert.equal(outputFault(result, {}), 'exit code 3, expected 0');
  assert.equal(outputFault(result, { exit: 3, stdout: '^two \\d$' }), undefined);
  assert.equal(outputFault(result, { exit: 3, stderr: 'x' }), 'stderr does not match "x"');
});

test('programs of another processor run where the kernel has an interpreter for them at hand, else nothing begins', async (context) => {
  const on = 'enabled\ninterpreter /usr/bin/qemu-s390x-static\nflags: OCF\noffset 0\nmagic 7f454c46\n';
  assert.ok(isUsable(on));
  assert.ok(!isUsable(on.replace('enabled', 'disabled')) && !isUsable(on.replace('OCF', 'OC')) && !isUsable(''));
  const folder = mkdtempSync(join(tmpdir(), 'binfmt-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const recipe: Recipe = { apiVersion: 'heraklit/v1', kind: 'Image', name: 'x', packages: ['a'] };
  const refuse = (more: Partial<Recipe> = {}): Promise<void> =>
    refuseForeignScripts({ recipe: { ...recipe, ...more }, architecture: 's390x' }, folder);
  await assert.rejects(refuse(), { code: 'COMPOSE_ARCHITECTURE', message: /binfmt_misc knows no qemu-s390x/ });
  await refuse({ scripts: 'none' });
  await refuse({ scripts: 'none', checks: [{ file: '/x' }] });
  await assert.rejects(refuse({ scripts: 'none', checks: [{ run: ['x'] }] }), { code: 'COMPOSE_ARCHITECTURE' });
  writeFileSync(join(folder, 'qemu-s390x'), on.replace('OCF', ''));
  await assert.rejects(refuse(), { code: 'COMPOSE_ARCHITECTURE', message: /lacks the flag F/ });
  writeFileSync(join(folder, 'qemu-s390x'), on);
  await refuse();
});
