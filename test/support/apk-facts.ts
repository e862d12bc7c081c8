import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readScripts } from '../../src/distro/index.ts';
import type { BuiltApk } from '../../src/distro/testing/apk-packages.ts';
import { factsOfRoot } from './compare-roots.ts';

const DATABASE = 'lib/apk/db';

/**
 * What a root holds, in words that do not depend on the machine's busybox and zlib: packages by name instead of by hash.
 */
export function apkFacts(root: string, packages: readonly BuiltApk[]): Readonly<Record<string, string>> {
  const facts = new Map(factsOfRoot(root));
  const names = new Map(packages.map(({ spec, identity }) => [identity, `${spec.name}-${spec.version}`]));
  const busybox = `Z:Q1${createHash('sha1').update(readFileSync('/bin/busybox')).digest('base64')}`;
  const inNames = (text: string): string =>
    [...names]
      .reduce((known, [identity, name]) => known.replaceAll(identity, name), text)
      .replaceAll(busybox, 'Z:busybox')
      .replace(/^(S|I):\d+$/gm, '$1:');
  for (const name of ['installed', 'triggers']) {
    const file = join(root, DATABASE, name);
    if (existsSync(file)) facts.set(`${DATABASE}/${name}`, inNames(readFileSync(file, 'utf8')));
  }
  const archive = join(root, DATABASE, 'scripts.tar.gz');
  if (existsSync(archive)) facts.set(`${DATABASE}/scripts.tar.gz`, scriptsIn(archive, names));
  facts.set('bin/busybox', (facts.get('bin/busybox') ?? '').replace(/[0-9a-f]{64}/, 'busybox'));
  for (const path of [`${DATABASE}/lock`, 'etc/apk/arch']) facts.delete(path);
  for (const path of facts.keys()) if (path.startsWith('etc/apk/keys')) facts.delete(path);
  return Object.fromEntries([...facts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function scriptsIn(archive: string, names: ReadonlyMap<string, string>): string {
  const lines = [...readScripts(readFileSync(archive))].flatMap(([identity, scripts]) =>
    [...scripts].map(
      ([kind, content]) => `${names.get(identity)} ${kind} ${createHash('sha1').update(content).digest('hex')}`,
    ),
  );
  return lines.join('\n');
}
