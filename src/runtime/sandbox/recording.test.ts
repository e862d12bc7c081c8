import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { createSandbox } from './sandbox.ts';
import type { Recording } from './types.ts';

/** Programs of this machine, with the libraries they need. */
const PROGRAMS = [
  '/bin/sh',
  '/usr/bin/cat',
  '/usr/bin/perl',
  '/usr/bin/mv',
  '/usr/bin/rm',
  '/usr/bin/touch',
  '/usr/bin/ls',
];
const MORE = [
  '/usr/bin/mkdir',
  '/usr/bin/readlink',
  '/usr/bin/chmod',
  '/usr/bin/ln',
  '/usr/sbin/chroot',
  '/usr/sbin/ldconfig',
];

/** Runs a script in a recorded root with /data/{a,b,c,d,e} in it; undefined (and a skip) where there is no sandbox. */
async function record(
  context: TestContext,
  script: string,
  query = '#!/bin/sh\necho asked\n',
): Promise<Recording | undefined> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'recording-'));
  context.after(() => rmdirSync(mountPoint));
  const sandbox = await createSandbox({ mountPoint }).catch((error: unknown) => {
    if (!isHeraklitError(error, 'SANDBOX_UNAVAILABLE')) throw error;
    context.skip('root not installed');
    return undefined;
  });
  if (sandbox === undefined) return undefined;
  context.after(() => sandbox.close());
  const root = await sandbox.recordedRoot();
  const copy = `cd '${root}'; mkdir -p data/folder etc usr/bin usr/sbin usr/lib usr/lib64; ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
    for f in a b c d e folder/x; do echo $f > data/$f; done; ln -s a data/link
    for p in ${[...PROGRAMS, ...MORE].join(' ')}; do cp -L $p usr/\${p#/usr/} 2>/dev/null || cp -L $p .$p; done
    for l in $(ldd ${PROGRAMS.join(' ')} | grep -o '/[^ ]*' | grep '\\.so' | sort -u); do mkdir -p ".$(dirname $l)"; cp -L $l .$l; done`;
  const copied = spawnSync('sh', ['-c', copy], { encoding: 'utf8' });
  assert.equal(copied.status, 0, copied.stderr);
  writeFileSync(`${root}/usr/bin/dpkg-query`, query, { mode: 0o755 });
  const list = await sandbox.record();
  const result = await sandbox.run(['/bin/sh', '-c', `read line; ${script}`], {
    stdin: () => {
      list();
      return 'go\n';
    },
  });
  assert.equal(result.code, 0, result.stderr.toString());
  return sandbox.recorded();
}

const data = (recording: Recording): readonly string[] =>
  [...recording.reads].filter((path) => path.startsWith('data/')).sort();

test('reading, executing, mapping, listing and following links are noted; looking is not', async (context) => {
  const script = 'cat /data/a; test -e /data/b; test -s /data/c; ls /data/folder; . /data/link; exit 0';
  const recording = await record(context, script.replace('. /data/link', 'readlink /data/link'));
  if (recording === undefined) return;
  assert.deepEqual(data(recording), ['data/a', 'data/folder', 'data/link']);
  assert.ok(recording.reads.has('usr/bin/cat'));
  assert.ok([...recording.reads].some((path) => /libc\.so\.6$/.test(path)));
  assert.ok(!recording.reads.has('usr/bin/rm'));
  assert.deepEqual(recording.changes, []);
});

test('what hides a read is refused, or counts as one', async (context) => {
  // O_NOATIME is 01000000 on x86-64 and arm64; a script must be told that it cannot have it.
  const open = `perl -e 'exit(sysopen(my $f, "/data/a", 01000000) ? 1 : 0)'`;
  const fcntl = `perl -e 'open(my $f, "<", "/data/b"); exit(fcntl($f, 4, 01000000) ? 1 : 0)'`;
  const back = 'cat /data/c; touch -a -d @1 /data/c; cat /data/d; rm /data/d; cat /data/e; mv /data/e /data/f';
  const recording = await record(context, `${open} && ${fcntl} && ${back}`);
  if (recording === undefined) return;
  assert.deepEqual(data(recording), ['data/c', 'data/d', 'data/e']);
  const changes = recording.changes.map((change) =>
    change.kind === 'entry' ? `${change.header.type} ${change.header.path}` : `${change.kind} ${change.path}`,
  );
  assert.deepEqual(changes, ['directory data', 'file data/c', 'file data/f', 'whiteout data/d', 'whiteout data/e']);
});

test('changes are what was made, changed, linked, moved and removed, once each', async (context) => {
  const script =
    'mv /data/folder /data/moved; ln /data/a /data/twin; chmod 600 /data/b; rm /data/c; mkdir /data/c; echo > /data/c/new; true > /data/é';
  const recording = await record(context, script);
  if (recording === undefined) return;
  const changes = recording.changes.map((change) =>
    change.kind === 'entry' ? `${change.header.type} ${change.header.path}` : `${change.kind} ${change.path}`,
  );
  assert.deepEqual(changes.toSorted(), [
    'directory data',
    'directory data/c',
    'directory data/moved',
    'file data/a',
    'file data/b',
    'file data/c/new',
    'file data/moved/x',
    'file data/é',
    'hardlink data/twin',
    'whiteout data/folder',
  ]);
});

test('questions to dpkg-query are noted, and ldconfig reads nothing', async (context) => {
  const recording = await record(
    context,
    'dpkg-query -W tar >/data/answer; dpkg-query -L "a b" >/dev/null; ldconfig; cat /data/answer',
  );
  if (recording === undefined) return;
  assert.deepEqual(recording.queries, ['-W tar', '-L a b']);
  assert.ok(!recording.reads.has('usr/sbin/ldconfig'));
  assert.ok(recording.changes.some((change) => change.kind === 'entry' && change.header.path === 'etc/ld.so.cache'));
  const libraries = [...recording.before].filter((path) => /libperl|libcrypt/.test(path) && path.includes('.so'));
  for (const path of libraries) assert.ok(!recording.reads.has(path), `${path} counts as read`);
});
