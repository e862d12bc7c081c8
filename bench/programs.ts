/**
 * Modules, crates and artifacts that trivy finds in programs and jars and `heraklit scan` misses, and the other way round.
 *
 *     node bench/programs.ts [JAR…]
 *
 * The image holds Go programs of npm's registry from five years (Go 1.15 to 1.27, with modules), one of macOS and Windows
 * each, Debian's jars outside of Debian's places, a web archive of them, and the jars named. Ends with code 1 when we miss
 * anything. Needs `npm ci` in bench/, mmdebstrap, buildah, skopeo, zip and an npm registry.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { imageOf, releaseRoot, sh, WORK } from './fixtures.ts';
import { compareImage } from './side-by-side.ts';

const PROGRAMS = [
  ...['esbuild-linux-64@0.8.1', 'esbuild-linux-64@0.14.1', 'esbuild-linux-32@0.14.1', 'esbuild-linux-ppc64le@0.14.1'],
  ...['esbuild-windows-64@0.14.1', '@esbuild/linux-x64@0.28.2', 'lefthook-linux-x64@2.2.2'],
];
const JARS = [
  'libjackson2-databind-java',
  'libguava-java',
  'libslf4j-java',
  'libmaven3-core-java',
  'libspring-web-java',
];

function madeImage(more: readonly string[]): string {
  const scratch = mkdtempSync(join(WORK, 'programs-'));
  const [bin, lib] = [join(scratch, 'usr/local/bin'), join(scratch, 'srv/lib')];
  for (const folder of [bin, lib]) mkdirSync(folder, { recursive: true });
  const unpacked = join(scratch, 'unpacked');
  for (const [at, name] of PROGRAMS.entries()) {
    const folder = join(unpacked, String(at));
    mkdirSync(folder, { recursive: true });
    const archive = sh('npm', 'pack', '--silent', '--pack-destination', folder, name).trim();
    sh('tar', '-C', folder, '-xzf', join(folder, archive));
    for (const file of readdirSync(join(folder, 'package'), { recursive: true, encoding: 'utf8' })) {
      if (!/(?:^|\/)(?:esbuild|lefthook)(?:\.exe)?$/.test(file)) continue;
      copyFileSync(join(folder, 'package', file), join(bin, `${basename(file)}-${at}`));
    }
  }
  const jars = join(unpacked, 'jars');
  mkdirSync(jars, { recursive: true });
  sh('tar', '-C', jars, '--wildcards', '-xf', releaseRoot('bookworm', JARS), './usr/share/*.jar');
  const found = readdirSync(jars, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of found) {
    const path = join(parentPath, name);
    if (name.endsWith('.jar') && existsSync(path)) copyFileSync(path, join(lib, name));
  }
  for (const path of more) copyFileSync(path, join(lib, basename(path)));
  sh('zip', '-q', '-j', '-r', join(scratch, 'srv/shop.war'), lib);
  const file = join(WORK, `programs-${process.pid}.tar`);
  sh('tar', '-C', scratch, '-cf', file, './usr', './srv');
  rmSync(scratch, { recursive: true });
  const { layout } = imageOf(file);
  rmSync(file);
  return layout;
}

mkdirSync(WORK, { recursive: true });
if (!compareImage(madeImage(process.argv.slice(2)))) process.exitCode = 1;
