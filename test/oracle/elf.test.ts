import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isElf, readElf } from '../../src/elf/index.ts';

const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/bin', '/usr/sbin', '/lib64', '/lib'];
const MAX_BYTES = 8_000_000;
const WANTED = 60;

function files(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

const isCandidate = (file: string): boolean => {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size < MAX_BYTES && isElf(readFileSync(file));
};

/** Evenly spread over the host's libraries and programs. */
function candidates(): string[] {
  return FOLDERS.flatMap((folder) => {
    const found = files(folder).filter(isCandidate);
    return found.filter((_, at) => at % Math.max(1, Math.floor(found.length / WANTED)) === 0);
  });
}

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] as string);

function symbolsByReadelf(text: string): { exported: string[]; imported: string[] } {
  const exported: string[] = [];
  const imported: string[] = [];
  for (const line of text.split('\n')) {
    const match =
      // Where the file does not say that it is GNU's, readelf calls a unique symbol (10) by its number.
      /^ +\d+: [0-9a-f]+ +\S+ +\S+ +(GLOBAL|WEAK|UNIQUE|<OS specific>: 10) +(DEFAULT|PROTECTED) .*?(\S+) (\S+?)(?: \(\d+\))?$/.exec(
        line,
      );
    if (match === null) continue;
    const [, , , section, name] = match as unknown as [string, string, string, string, string];
    (section === 'UND' ? imported : exported).push(name);
  }
  return { exported: exported.sort(), imported: imported.sort() };
}

test('what readelf says of the host’s libraries and programs, we say', (context) => {
  if (spawnSync('readelf', ['--version']).error !== undefined) return context.skip('readelf not installed');
  const found = candidates();
  assert.ok(found.length > 20, 'the host has libraries');
  for (const file of found) {
    const result = spawnSync('readelf', ['-W', '-h', '-d', '-l', '-n', '--dyn-syms', file], {
      maxBuffer: 1 << 28,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const text = result.stdout.toString();
    const elf = readElf(readFileSync(file));
    assert.deepEqual(elf.needed, all(text, /\(NEEDED\) +Shared library: \[(.*)\]/g), file);
    assert.deepEqual([elf.soname ?? []].flat(), all(text, /\(SONAME\) +Library soname: \[(.*)\]/g), file);
    assert.deepEqual(elf.runpath.join(':'), all(text, /\(RUNPATH\) +Library runpath: \[(.*)\]/g).join(), file);
    assert.deepEqual([elf.interpreter ?? []].flat(), all(text, /Requesting program interpreter: (.*)\]/g), file);
    assert.deepEqual(elf.buildId, all(text, /Build ID: ([0-9a-f]+)/g)[0], file);
    const exported = elf.exportedSymbols.map(({ name, version, isDefault }) =>
      // The version nodes themselves are symbols, which readelf names once.
      version === undefined || version === name ? name : `${name}${isDefault ? '@@' : '@'}${version}`,
    );
    const imported = elf.importedSymbols.map(({ name, version }) =>
      // The version nodes themselves are symbols, which readelf names once.
      version === undefined || version === name ? name : `${name}@${version}`,
    );
    assert.deepEqual({ exported: exported.sort(), imported: imported.sort() }, symbolsByReadelf(text), file);
  }
  context.diagnostic(`${found.length} files compared`);
});
