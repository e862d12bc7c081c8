import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileFinding } from '../../language/index.ts';
import { inspectImage } from '../inspect-image.ts';
import { memoryImage } from '../testing/memory-image.ts';
import { type Commands, entryPrograms } from './entry-programs.ts';
import { interpretersOf, usageInTree, usageOfFiles, usageOfPackage } from './index.ts';

const PATHS: Readonly<Record<string, string | undefined>> = {
  '/entry.sh': 'bin/entry.sh',
  '/bin/sh': 'bin/dash',
  sh: 'bin/dash',
  tini: 'bin/tini',
  nginx: 'usr/sbin/nginx',
  python3: 'usr/bin/python3.11',
  '/usr/bin/env': 'usr/bin/env',
  'app.py': 'srv/app.py',
};
const LINES: Readonly<Record<string, string>> = {
  'bin/entry.sh': '/bin/sh -e',
  'srv/app.py': '/usr/bin/env -S python3',
};
const commands: Commands = {
  find: (command) => PATHS[command],
  scriptLine: (path) => LINES[path],
  interpreters: interpretersOf,
};

test('what a command line starts: scripts, starters, shells', () => {
  const started = (...command: string[]): readonly string[] => [...entryPrograms(command, commands)];
  assert.deepEqual(started('/entry.sh', 'nginx', '-g', 'daemon off;'), ['bin/entry.sh', 'bin/dash', 'usr/sbin/nginx']);
  assert.deepEqual(started('tini', '--', 'app.py'), ['bin/tini', 'srv/app.py', 'usr/bin/env', 'usr/bin/python3.11']);
  assert.deepEqual(started('/bin/sh', '-c', 'A=1 exec nginx -g x && python3 x'), [
    'bin/dash',
    'usr/sbin/nginx',
    'usr/bin/python3.11',
  ]);
  assert.deepEqual(started('python3', 'nginx'), ['usr/bin/python3.11']);
  assert.deepEqual(started('gone', 'nginx'), []);
  assert.deepEqual(started(), []);
});

const elf = (path: string, facts: object): FileFinding => ({
  reader: 'elf',
  path,
  facts: { class: 64, machine: 'x86_64', ...facts } as NonNullable<FileFinding['facts']>,
});

test('packages by who is linked against them; whatever a record says, nothing is thrown', async () => {
  const program = { content: 'x', mode: 0o755 };
  const image = memoryImage(
    [
      {
        'usr/bin/app': program,
        'usr/bin/tool': program,
        'usr/lib/liba.so.1': 'x',
        'usr/lib/libt.so.1': 'x',
        'usr/lib/plugin.so': 'x',
        'usr/lib/libp.so.1': 'x',
        'usr/lib/libidle.so.1': 'x',
        'lib64/ld.so': 'x',
        'var/lib/dpkg/info/app.list': '/usr/bin/app\n',
        'var/lib/dpkg/info/liba.list': '/usr/lib/liba.so.1\n',
        'var/lib/dpkg/info/libt.list': '/usr/lib/libt.so.1\n',
        'var/lib/dpkg/info/libp.list': '/usr/lib/libp.so.1\n',
        'var/lib/dpkg/info/libidle.list': '/usr/lib/libidle.so.1\n',
      },
    ],
    { config: { config: { Cmd: ['app'] } } },
  );
  const contents = await inspectImage(image, { usage: true });
  assert.deepEqual(contents.usage?.entry, ['usr/bin/app']);
  const text = (path: string) => contents.tree.has(path);
  const lists = ['app', 'liba', 'libt', 'libp', 'libidle'];
  const view = {
    read: async (path: string) => {
      const name = /info\/(.*)\.list$/.exec(path)?.[1];
      const at = name === 'app' ? 'usr/bin/app' : `usr/lib/${name}.so.1`;
      return text(path) ? ({ kind: 'content', bytes: Buffer.from(at) } as const) : undefined;
    },
    list: async () => lists.map((name) => `${name}.list`),
  };
  const found = [
    elf('usr/bin/app', { interpreter: '/lib64/ld.so', needed: ['liba.so.1'] }),
    elf('usr/bin/tool', { interpreter: '/lib64/ld.so', needed: ['libt.so.1', 'liba.so.1'] }),
    elf('usr/lib/plugin.so', { needed: ['libp.so.1'] }),
    ...['a', 't', 'p', 'idle'].map((name) => elf(`usr/lib/lib${name}.so.1`, {})),
    { reader: 'elf', path: 'odd', facts: [1] },
    { reader: 'script', path: 'usr/bin/x', facts: null },
  ];
  const usage = await usageInTree(found, contents.tree, { view, packages: [] }, image.config);
  const by = (name: string) => usageOfPackage(usage, name);
  assert.deepEqual(by('app'), { usage: 'linked', linkedBy: 'entrypoint' });
  assert.deepEqual(by('liba'), { usage: 'linked', linkedBy: 'entrypoint' });
  assert.deepEqual(by('libt'), { usage: 'linked', linkedBy: 'executable' });
  assert.deepEqual(by('libp'), { usage: 'linked', linkedBy: 'library' });
  assert.deepEqual(by('libidle'), { usage: 'contained' });
  assert.equal(usageOfPackage(undefined, 'app'), undefined);
  assert.deepEqual(usageOfFiles(usage, ['x', 'usr/bin/app']), { usage: 'linked', linkedBy: 'entrypoint' });
});
