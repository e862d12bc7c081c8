import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { test } from 'node:test';
import { readProgram } from '../../src/language/testing/read-program.ts';
import { debianPrograms } from '../support/debian-programs.ts';
import { newerTool } from '../support/newer-tools.ts';

/** Programs that say themselves which Go made them. */
const PROGRAMS: readonly (readonly [path: string | undefined, ...args: readonly string[]])[] = [
  ['/usr/bin/podman', 'version'],
  ['/usr/bin/buildah', 'version'],
  ['/usr/sbin/runc', '--version'],
  [newerTool('cosign'), 'version'],
  [newerTool('oras'), 'version'],
  [newerTool('docker'), 'version'],
  ...Object.values(debianPrograms() ?? {}).map((root) => [`${root}/usr/sbin/runc`, '--version'] as const),
];

test('the toolchain of Go programs is what they say themselves', async (context) => {
  let compared = 0;
  for (const [path, ...args] of PROGRAMS) {
    if (path === undefined || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, args, { encoding: 'utf8', timeout: 60_000 });
    const said = /go(?: version|version)?: *go(\d[\w.]*)/i.exec(stdout ?? '')?.[1];
    // A program of another suite may need a library that is not here.
    if (said === undefined) continue;
    const findings = await readProgram('usr/bin/program', readFileSync(realpathSync(path)));
    const packages = findings.flatMap((finding) => finding.packages ?? []);
    assert.deepEqual(
      packages.filter(({ name }) => name === 'stdlib').map(({ version }) => version),
      [said],
      path,
    );
    compared += 1;
  }
  if (compared === 0) return context.skip('no Go program installed');
  context.diagnostic(`${compared} programs compared`);
});
