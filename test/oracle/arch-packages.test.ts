import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ecosystemOf, openPacmanPackage, readPacmanIndex } from '../../src/distro/index.ts';
import { buildArch, buildArchDatabase } from '../../src/distro/testing/arch-packages.ts';
import { pacmanWorld } from '../support/pacman-root.ts';

const OLD = [
  buildArch({ name: 'hello', version: '1:1.0-1', depends: ['libhello>=1.0rc1'], files: { 'usr/bin/hello': 'hi' } }),
  buildArch({ name: 'libhello', version: '1.0rc1-1', base: 'hello', provides: ['libhello.so=1-64'] }),
  buildArch({ name: 'tzdata', version: '2025b-1', arch: 'any', depends: ['libhello'] }),
];

const ORIGIN = { id: 'arch/rolling/core/x86_64', security: false, architecture: 'x86_64', folder: 'core/os/x86_64' };

test('a database of repo-add and one of ours say the same', async (context) => {
  const world = await pacmanWorld();
  if (world === undefined) return context.skip('pacman-package-manager, makepkg or libarchive-tools not installed');
  context.after(() => world.remove());
  await world.offer(OLD);
  const real = await readPacmanIndex(readFileSync(join(world.repository, 'core.db')), ORIGIN);
  const own = await readPacmanIndex(buildArchDatabase(OLD), ORIGIN);
  assert.deepEqual(real.problems, []);
  const facts = (index: typeof real): readonly unknown[] =>
    index.packages.map(({ relations, ...one }) => ({
      ...one,
      depends: relations.depends,
      provides: relations.provides,
    }));
  assert.deepEqual(facts(real), facts(own));
});

test('what pacman installed is what a scan reads', async (context) => {
  const world = await pacmanWorld();
  if (world === undefined) return context.skip('pacman-package-manager, makepkg or libarchive-tools not installed');
  context.after(() => world.remove());
  await world.offer(OLD);
  world.pacman('-Sy', 'hello', 'tzdata');
  const local = join(world.root, 'var/lib/pacman/local');
  const files = readdirSync(local)
    .filter((name) => name !== 'ALPM_DB_VERSION')
    .map((name) => [`var/lib/pacman/local/${name}/desc`, readFileSync(join(local, name, 'desc'))] as const);
  const { packages, problems } = ecosystemOf('alpm').readDatabase(new Map(files));
  assert.deepEqual(problems, []);
  const listed = world.pacman('-Q').trim().split('\n').sort();
  assert.deepEqual(packages.map(({ name, version }) => `${name} ${version}`).sort(), listed);
  const library = packages.find(({ name }) => name === 'libhello');
  assert.equal(library?.source.name, 'hello');
  const opened = await openPacmanPackage(OLD[1]?.bytes ?? Buffer.alloc(0));
  assert.deepEqual(opened.info.provides, ['libhello.so=1-64']);
});
