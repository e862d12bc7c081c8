/** What Buildah makes of the same files at other times and in other layers is the same content. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';

const TWO_STEPS = 'FROM scratch\nCOPY one.txt /srv/\nCOPY --chmod=755 two.sh /srv/\nENV A=1\nCMD ["/srv/two.sh"]\n';

test('built again later, squashed or with a file changed', async (context) => {
  const cli = await openCli(context);
  const source = join(cli.root, 'source');
  await mkdir(source);
  const build = (name: string, ...more: readonly string[]): string => {
    const storage = [
      '--root',
      join(cli.root, 'storage'),
      '--runroot',
      join(cli.root, 'run'),
      '--storage-driver',
      'vfs',
    ];
    execFileSync('buildah', [...storage, 'bud', '--isolation', 'chroot', ...more, '-t', name, source], {
      stdio: 'pipe',
    });
    execFileSync('buildah', [...storage, 'push', name, `oci:${join(cli.root, 'layout')}:${name}`], { stdio: 'pipe' });
    return `oci:${join(cli.root, 'layout')}:${name}`;
  };
  try {
    execFileSync('buildah', ['--version'], { stdio: 'ignore' });
  } catch {
    return context.skip('buildah not installed');
  }
  await writeFile(join(source, 'Dockerfile'), TWO_STEPS);
  await writeFile(join(source, 'one.txt'), 'one');
  await writeFile(join(source, 'two.sh'), '#!/bin/sh\n');
  const first = build('first', '--layers', '--no-cache');
  await utimes(join(source, 'one.txt'), 1_000_000_000, 1_000_000_000);
  const again = build('again', '--squash', '--no-cache');
  const compare = (a: string, b: string) => cli.run(['diff', '--content', a, b, '--exit-code', '--format', 'json']);
  const same = await compare(first, again);
  assert.equal(same.code, 0, same.stdout + same.stderr);
  assert.equal(JSON.parse(same.stdout).identical, true);
  await writeFile(join(source, 'one.txt'), 'uno');
  const changed = await compare(first, build('changed', '--no-cache', '--env', 'B=2'));
  assert.equal(changed.code, 1);
  const difference = JSON.parse(changed.stdout);
  assert.deepEqual(
    difference.changed.map(({ path }: { path: string }) => path),
    ['srv/one.txt'],
  );
  assert.deepEqual(
    difference.config.map(({ name }: { name: string }) => name),
    ['Env'],
  );
  const table = await cli.run(['diff', '--content', first, again]);
  assert.equal(table.stdout.trim(), 'same content');
});
