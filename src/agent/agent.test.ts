import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { containerOfCgroup, containerOfMounts, overlayRoot } from './container-id.ts';
import { observeContainers } from './index.ts';
import { mappedFiles } from './mapped-files.ts';

const ID = '1fd732e9edfd4efb037027ccbc987ad22fe061d45488a282217b43c20e371d7a';

test('files mapped for execution, deleted ones told', () => {
  const maps = [
    '55d0-55e0 r-xp 00001000 00:28 42                         /usr/bin/app',
    '55e0-55f0 r--p 00001000 00:28 42                         /usr/bin/data',
    '7f00-7f10 r-xp 00023000 00:28 7                          /usr/lib/libssl.so.3 (deleted)',
    '7f10-7f20 r-xp 00023000 00:28 7                          /usr/lib/libssl.so.3 (deleted)',
    '7f20-7f30 r-xp 00000000 00:01 9                          /memfd:x (deleted)',
    '7f30-7f40 r-xp 00000000 00:00 0                          [vdso]',
    '7f40-7f50 rwxp 00000000 00:00 0 ',
    '7f50-7f60 r-xp 00000000 00:28 8                          /opt/a\\012b',
  ].join('\n');
  assert.deepEqual(
    mappedFiles(maps).map(({ path, deleted, range }) => [path, deleted, range]),
    [
      ['/usr/bin/app', false, '55d0-55e0'],
      ['/usr/lib/libssl.so.3', true, '7f00-7f10'],
      ['/opt/a\nb', false, '7f50-7f60'],
    ],
  );
});

test('control groups of every engine; helpers and the host are none', () => {
  const groups: readonly (readonly [string, string | undefined])[] = [
    [`0::/machine.slice/libpod-${ID}.scope/container`, 'podman'],
    [`4:memory:/libpod_parent/libpod-${ID}\n0::/`, 'podman'],
    [`0::/machine.slice/libpod-conmon-${ID}.scope`, undefined],
    [`0::/system.slice/docker-${ID}.scope`, 'docker'],
    [`12:pids:/docker/${ID}`, 'docker'],
    [`0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-${ID}.scope`, 'containerd'],
    [`0::/kubepods.slice/kubepods-pod1.slice:cri-containerd:${ID}`, 'containerd'],
    [`0::/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`, 'cri-o'],
    [`0::/kubepods/burstable/pod1/${ID}`, 'unknown'],
    ['0::/user.slice/user-1000.slice/session-2.scope', undefined],
  ];
  for (const [text, engine] of groups) {
    const found = containerOfCgroup(text);
    assert.equal(found?.engine, engine, text);
    if (engine !== undefined) assert.equal(found?.id, ID);
  }
});

test('mounts tell the container and its overlay', () => {
  const text = [
    '81 52 0:40 / / rw - overlay overlay rw,lowerdir=/s/l/A:/s/l/B\\040C,upperdir=/s/overlay/x/diff,workdir=/s/w',
    `90 81 0:1 /containers/storage/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`,
  ].join('\n');
  assert.deepEqual(overlayRoot(text), { lower: ['/s/l/A', '/s/l/B C'], upper: '/s/overlay/x/diff' });
  assert.deepEqual(containerOfMounts(text), { id: ID, engine: 'podman' });
  assert.equal(overlayRoot('1 1 8:1 / / rw - ext4 /dev/sda rw'), undefined);
});

test('whatever the kernel’s files say, reading them throws nothing', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('1-2 r-xp 0 0:1 5 /', '/docker/', '1 1 1 / / - overlay o lowerdir='),
  );
  fc.assert(
    fc.property(
      fc.array(line).map((lines) => lines.join('\n')),
      (text) => {
        for (const read of [mappedFiles, containerOfCgroup, containerOfMounts, overlayRoot]) read(text);
      },
    ),
  );
});

test('a process whose root is gone is told, one that ended is not; no /proc is an error', async (context) => {
  const proc = mkdtempSync(join(tmpdir(), 'agent-'));
  context.after(() => rmSync(proc, { recursive: true, force: true }));
  const now = new Date('2026-01-02T03:04:05Z');
  await assert.rejects(observeContainers({ now, proc }), { code: 'AGENT_PROC_UNREADABLE' });
  const process = (pid: string, files: Readonly<Record<string, string>>): void => {
    mkdirSync(join(proc, pid, 'ns'), { recursive: true });
    symlinkSync(`mnt:[${pid}]`, join(proc, pid, 'ns/mnt'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(proc, pid, name), text);
  };
  process('self', { mountinfo: '' });
  const cgroup = `0::/system.slice/docker-${ID}.scope`;
  process('1', { cgroup });
  process('7', { cgroup, mountinfo: '', maps: '1-2 r-xp 0 0:1 5 /usr/bin/app (deleted)\n' });
  symlinkSync('/nowhere/at/all', join(proc, '7/root'));
  process('8', { cgroup });
  mkdirSync(join(proc, '9'));
  const { containers, unread } = await observeContainers({ now, proc });
  assert.deepEqual(unread, []);
  const [one, ...more] = containers;
  assert.equal(more.length, 0);
  assert.deepEqual([one?.processes, one?.restartDue, one?.packages], [[7], true, []]);
  assert.match(one?.problem ?? '', /root folder/);
});
