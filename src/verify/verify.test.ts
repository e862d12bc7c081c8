import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLayerFactsReader } from '../build/index.ts';
import { isElf, readElf } from '../elf/index.ts';
import {
  type Descriptor,
  type Digest,
  digestOf,
  type LayerItem,
  MediaType,
  type ResolvedImage,
  writeLayer,
} from '../oci/index.ts';
import { interpreterOf } from './entry-point.ts';
import { type Verification, verifyImage } from './index.ts';

let folder: string;
let program: Buffer;
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heraklit-verify-'));
  // A dynamically linked program: a small one, or where that is static, the one that is there wherever tests run.
  const shell = await readFile('/bin/sh').catch(() => Buffer.alloc(0));
  const small = isElf(shell) && readElf(shell).interpreter !== undefined;
  program = small ? shell : await readFile(process.execPath);
});
after(async () => await rm(folder, { recursive: true }));

const base = { mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 };
const file = (path: string, content: Uint8Array | string, mode = 0o644): LayerItem => {
  const bytes = Buffer.from(content);
  return { header: { ...base, path, type: 'file', mode, size: bytes.length }, content: bytes };
};
const link = (path: string, linkName: string): LayerItem => ({
  header: { ...base, path, type: 'symlink', mode: 0o777, linkName },
});
const directory = (path: string): LayerItem => ({ header: { ...base, path, type: 'directory', mode: 0o755 } });

const goArchitecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;

async function image(stack: readonly (readonly LayerItem[])[], config: object): Promise<ResolvedImage> {
  const blobs = new Map<Digest, string>();
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const items of stack) {
    count += 1;
    const sink = join(folder, `layer-${count}`);
    const { digest, size, diffId } = await writeLayer(items, { compression: 'none', sink, sort: true });
    blobs.set(digest, sink);
    layers.push({ mediaType: MediaType.layer, digest, size });
    diffIds.push(diffId);
  }
  return {
    digest: digestOf(`${count}`),
    mediaType: MediaType.manifest,
    manifestBytes: new Uint8Array(),
    manifest: { schemaVersion: 2, config: { mediaType: MediaType.config, digest: digestOf('c'), size: 1 }, layers },
    config: { architecture: goArchitecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: diffIds } },
    blobs: { open: async (digest) => createReadStream(blobs.get(digest) as string) },
  };
}

async function verify(stack: readonly (readonly LayerItem[])[], config: object = {}): Promise<Verification> {
  const facts = createLayerFactsReader(join(folder, `facts-${count}`));
  return await verifyImage({ image: await image(stack, config) }, { facts });
}

const wrong = (result: Verification): Record<string, string> =>
  Object.fromEntries(result.steps.filter(({ passed }) => !passed).map(({ name, detail }) => [name, detail]));

const status = (...states: readonly string[]): LayerItem =>
  file(
    'var/lib/dpkg/status',
    states
      .map(
        (state, i) =>
          `Package: p${i}\nStatus: install ok ${state}\nArchitecture: all\nVersion: 1\nMaintainer: a\nDescription: b\n`,
      )
      .join('\n'),
  );

test('configured packages pass, unconfigured ones are named; no engine is said so', async () => {
  const fine = await verify([[status('installed', 'installed')]]);
  assert.equal(fine.passed, true, JSON.stringify(fine));
  assert.equal(fine.mode, 'static');
  assert.match(fine.steps.find(({ name }) => name === 'packages')?.detail ?? '', /2 packages/);
  assert.match(fine.steps.at(-1)?.detail ?? '', /no engine was given/);
  const half = await verify([[status('installed')], [status('installed', 'half-configured')]]);
  assert.equal(half.passed, false);
  assert.match(wrong(half).packages ?? '', /p1/);
});

test('a folder over a link of a merged /usr is found, also one no layer spells out', async () => {
  const merged = [link('lib', 'usr/lib'), directory('usr/lib')];
  assert.deepEqual(wrong(await verify([merged, [file('usr/lib/x', 'x')]])), {});
  assert.match(wrong(await verify([merged, [file('lib/x', 'x')]]))['merged /usr'] ?? '', /\/lib$/);
});

test('the entry point is looked for as execvp does, through links and interpreters', async () => {
  const shell = [directory('usr/bin'), link('bin', 'usr/bin')];
  const entry = async (items: readonly LayerItem[], config: object): Promise<string | undefined> =>
    wrong(await verify([[...shell, ...items]], config))['entry point'];
  assert.match((await entry([], { Cmd: ['serve'] })) ?? '', /serve is in no folder of PATH/);
  assert.match((await entry([], { Entrypoint: ['/opt/serve'] })) ?? '', /\/opt\/serve does not exist/);
  assert.match((await entry([file('usr/bin/serve', '#!/bin/sh\n')], { Cmd: ['serve'] })) ?? '', /not executable/);
  assert.match(
    (await entry([file('usr/bin/serve', '#!/bin/sh\n', 0o755)], { Cmd: ['serve'] })) ?? '',
    /asks for \/bin\/sh: \/bin\/sh does not exist/,
  );
  assert.match(
    (await entry([file('usr/bin/serve', '#!/bin/env python3\n', 0o755), file('usr/bin/env', program, 0o755)], {
      Cmd: ['serve'],
    })) ?? '',
    /dynamic linker|python3/,
  );
  assert.match(
    (await entry([file('usr/bin/serve', 'text', 0o755)], { Cmd: ['serve'] })) ?? '',
    /neither a program nor a script/,
  );
  assert.match((await entry([link('usr/bin/serve', 'serve')], { Cmd: ['serve'] })) ?? '', /no folder of PATH/);
  assert.match((await entry([file('app/run', 'x', 0o755)], { Cmd: ['./run'], WorkingDir: '/app' })) ?? '', /neither/);
});

test('a program without its linker or a library is found; with them where the loader looks it passes', async (context) => {
  const { interpreter, needed } = readElf(program);
  assert.ok(interpreter !== undefined && needed.length > 0);
  const path = isElf(await readFile('/bin/sh').catch(() => Buffer.alloc(0))) ? '/bin/sh' : process.execPath;
  const listed = spawnSync('ldd', [path], { encoding: 'utf8' });
  if (listed.status !== 0) return context.skip('ldd not installed');
  const libraries = await Promise.all(
    [...listed.stdout.matchAll(/(\/\S+) \(0x/g)].map(async (match) => {
      const at = match[1] as string;
      return { at, bytes: await readFile(await realpath(at)) };
    }),
  );
  const at = (place: (path: string) => string) => libraries.map((one) => file(place(one.at), one.bytes, 0o755));
  const app = file('app/run', program, 0o755);
  const config = { Entrypoint: ['/app/run'] };
  assert.match(wrong(await verify([[app]], config))['entry point'] ?? '', /dynamic linker/);
  const linker = file(interpreter.slice(1), 'stub', 0o755);
  assert.deepEqual(Object.keys(wrong(await verify([[app, linker]], config))), ['libraries']);
  assert.deepEqual(wrong(await verify([[app], at((one) => one.slice(1))], config)), {});
  // All of them are there, and the loader does not look there.
  const aside = at((one) => (one === interpreter ? one.slice(1) : `opt/lib/${basename(one)}`));
  const found = wrong(await verify([[app], aside], config)).libraries ?? '';
  assert.match(found, /lies in \/opt\/lib\/\S+, where the loader does not look/);
  assert.deepEqual(wrong(await verify([[app], aside], { ...config, Env: ['LD_LIBRARY_PATH=/opt/lib'] })), {});
  const settings = file('etc/ld.so.conf', 'include /etc/ld.so.conf.d/*.conf\n');
  const cache = file('etc/ld.so.cache', 'x');
  const configured = [settings, cache, file('etc/ld.so.conf.d/own.conf', '/opt/lib\n')];
  assert.deepEqual(wrong(await verify([[app], aside, configured], config)), {});
  const stub = libraries.find((one) => needed.includes(basename(one.at)))?.at.slice(1) as string;
  const broken = wrong(await verify([[app], at((one) => one.slice(1)), [file(stub, 'no library')]], config));
  assert.match(broken.libraries ?? '', /missing libraries/);
});

test('databases of other families: what is installed, and damage', async () => {
  const release = file('etc/os-release', 'ID=alpine\nVERSION_ID=3.22.1\n');
  const installed = 'C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=\nP:musl\nV:1.2.5-r10\nA:x86_64\nS:1\nI:1\nT:c\nU:u\nL:MIT\n\n';
  const details = async (items: readonly LayerItem[]) => {
    const { steps } = await verify([[release, ...items]]);
    const step = steps.find(({ name }) => name === 'packages');
    return [step?.passed, step?.detail];
  };
  assert.deepEqual(await details([file('lib/apk/db/installed', installed)]), [true, '1 packages of apk']);
  assert.deepEqual(await details([]), [true, 'no package database']);
  const [passed, detail] = await details([file('var/lib/rpm/rpmdb.sqlite', 'SQLite format 3\0 and no more')]);
  assert.equal(passed, false, String(detail));
  assert.match(String(detail), /the package database (?:is broken|has no package)/);
});

test('#! lines are read as the kernel does', () => {
  const read = (text: string) => interpreterOf(Buffer.from(text));
  assert.deepEqual(read('#! /bin/sh -e\nx'), ['/bin/sh']);
  assert.deepEqual(read('#!/usr/bin/env -S A=1 python3 -u\n'), ['/usr/bin/env', 'python3']);
  assert.deepEqual(read('#!\n'), []);
});
