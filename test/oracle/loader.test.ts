import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { isElf, type LinkFacts, readLinkFacts } from '../../src/elf/index.ts';
import { Loader, type LoaderRoot } from '../../src/elf/loader/index.ts';

const facts = new Map<string, LinkFacts | undefined>();

/** This machine's own root. */
const host: LoaderRoot = {
  linkAt: (path) => {
    try {
      return readlinkSync(`/${path}`);
    } catch {
      return undefined;
    }
  },
  has: (path) => existsSync(`/${path}`),
  facts: (path) => {
    if (!facts.has(path)) facts.set(path, factsOf(`/${path}`));
    return facts.get(path);
  },
  text: (path) => (existsSync(`/${path}`) ? readFileSync(`/${path}`, 'utf8') : undefined),
  list: (folder) => (existsSync(`/${folder}`) ? readdirSync(`/${folder}`).sort() : []),
};

function factsOf(file: string): LinkFacts | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const bytes = readFileSync(file);
  return isElf(bytes) ? readLinkFacts(bytes) : undefined;
}

const WANTED = 150;

test('what ld.so says a program of this machine is loaded with, we say', (context) => {
  const programs = ['/usr/bin', '/usr/sbin', '/usr/lib/git-core']
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .map((file) => realpathSync(file));
  const all = [...new Set(programs)].filter((file) => host.facts(file.slice(1))?.interpreter !== undefined);
  const some = all.filter((_, at) => at % Math.ceil(all.length / WANTED) === 0);
  const linker = host.facts(some[0]?.slice(1) ?? '')?.interpreter;
  if (linker === undefined || spawnSync(linker, ['--list', some[0] as string]).status !== 0) {
    return context.skip('a glibc system not installed');
  }
  const loader = new Loader(host);
  for (const program of some) {
    const stdout: string = spawnSync(linker, ['--list', program], { encoding: 'utf8', env: { LC_ALL: 'C' } }).stdout;
    const said = [...stdout.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => realpathSync(match[1] as string));
    const absent = [...stdout.matchAll(/^\t(\S+) => not found/gm)].map((match) => match[1] as string);
    const { objects, missing } = loader.load(program.slice(1));
    // The processor's own variant may be taken.
    const found = objects
      .slice(1)
      .map(({ path, variants }) => said.find((one) => variants.includes(one.slice(1))) ?? `/${path}`);
    assert.deepEqual(found.sort(), said.sort(), program);
    assert.deepEqual(missing.map(({ name }) => name).sort(), [...new Set(absent)].sort(), program);
  }
});
