import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { type GroupParent, openControlGroup } from './control-group.ts';
import { createSandbox, type Sandbox } from './index.ts';

/**
 * The machine's own programs: every tool is there, and every escape would be visible. Not its whole root, which no
 * ordinary user may have in an overlay.
 */
async function programs(sandbox: Sandbox): Promise<readonly string[]> {
  const links = await sandbox.directory('links');
  symlinkSync('.', join(links, 'usr'));
  for (const name of ['mnt', 'etc']) mkdirSync(join(links, name));
  return ['links', '/usr'];
}

/** A sandbox over the machine's programs. */
async function overHost(context: TestContext, size?: number): Promise<Sandbox | undefined> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(size === undefined ? {} : { size }) });
    context.after(() => sandbox.close());
    await sandbox.mount(await programs(sandbox));
    return sandbox;
  } catch (error) {
    if (!isHeraklitError(error, 'SANDBOX_UNAVAILABLE')) throw error;
    context.skip('sandbox (root, perl, overlayfs) not installed');
    return undefined;
  }
}

const sh = (script: string): string[] => ['/bin/sh', '-c', script];

test('a command runs with its input, environment, folder and exit code', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  const result = await sandbox.run(sh('cat; echo "$COLOUR $PWD" >&2; env | wc -l; exit 7'), {
    stdin: 'given\n',
    environment: { COLOUR: 'blue' },
    cwd: '/share',
  });
  assert.equal(result.code, 7);
  assert.match(result.stdout.toString(), /^given\n\s*[4-6]\n$/);
  assert.equal(result.stderr.toString(), 'blue /share\n');
  assert.equal((await sandbox.run(sh('kill -TERM $$'))).signal, 15);
  assert.equal((await sandbox.run(['/nowhere'])).code, 127);
});

test('stand-ins take the place of programs for one command, and leave nothing', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  const standIns = new Map([
    ['/usr/bin/env', '#!/bin/sh\necho "stands in for $0 \xff"\n'],
    ['/usr/bin/not-there', '#!/bin/sh\n'],
  ]);
  const script = 'env; ls /usr/bin/not-there; echo x > /usr/bin/env || rm /usr/bin/env || mv /dev/null /usr/bin/env';
  const result = await sandbox.run(sh(script), { standIns });
  assert.equal(result.stdout.toString('latin1'), 'stands in for /usr/bin/env \xff\n');
  assert.notEqual(result.code, 0);
  assert.equal((await sandbox.run(sh('env | grep -c ^PATH='))).stdout.toString(), '1\n');
  assert.deepEqual(await Array.fromAsync(sandbox.changes()), []);
});

test('changes come back as entries, whiteouts and opaque folders; the lower stays untouched', async (context) => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  const probe = await overHost(context);
  if (probe === undefined) return;
  const sandbox = await createSandbox({ mountPoint });
  context.after(() => sandbox.close());
  const own = await sandbox.directory('own');
  spawnSync('sh', [
    '-c',
    `mkdir ${own}/d ${own}/e && echo 1 > ${own}/d/old && echo 2 > ${own}/gone && chmod 755 ${own}`,
  ]);
  await sandbox.mount(['own', ...(await programs(sandbox))]);
  const script =
    'rm -r /d && mkdir /d && echo new > /d/new && rm /gone && ln /d/new /e/twin && ln -s x /e/link && mkfifo /e/pipe';
  const result = await sandbox.run(sh(script));
  assert.equal(result.code, 0, result.stderr.toString());
  const seen: string[] = [];
  for await (const change of sandbox.changes()) {
    seen.push(
      change.kind === 'entry' ? `${change.header.type} ${change.header.path}` : `${change.kind} ${change.path}`,
    );
  }
  assert.deepEqual(seen, [
    'directory d',
    'opaque d',
    'file d/new',
    'directory e',
    'symlink e/link',
    'fifo e/pipe',
    'hardlink e/twin',
    'whiteout gone',
  ]);
  assert.equal(readFileSync(`${own}/gone`, 'utf8'), '2\n');
});

test('no network, no host processes, no mounts, no devices, no kernel settings, no new privileges', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  const refused = [
    'mount -t tmpfs none /mnt',
    'unshare --mount true',
    'unshare --user --map-root-user true',
    'mknod /tmp/disk b 254 0',
    'echo 1 > /proc/sys/kernel/core_uses_pid',
    'echo b > /proc/sysrq-trigger',
    'dmesg',
    'perl -e \'exit(open(my $f, "<", "/proc/kcore") && sysread($f, my $b, 1) ? 0 : 1)\'',
    'perl -MIO::Socket::INET -e \'exit(IO::Socket::INET->new(PeerAddr => "192.0.2.1:80", Timeout => 2) ? 0 : 1)\'',
    `kill -0 ${process.pid}`,
    `test -e /proc/${process.pid}/exe`,
    'ls /proc/1/root/',
  ];
  for (const script of refused) {
    const result = await sandbox.run(sh(script));
    assert.notEqual(result.code, 0, `${script} succeeded: ${result.stdout}`);
  }
  const addresses = await sandbox.run(sh('cat /proc/net/dev'));
  assert.match(addresses.stdout.toString(), /lo:/);
  assert.doesNotMatch(addresses.stdout.toString(), /eth|ens|enp/);
});

test('a hostile root cannot redirect the mounts', async (context) => {
  const probe = await overHost(context);
  if (probe === undefined) return;
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  const sandbox = await createSandbox({ mountPoint });
  context.after(() => sandbox.close());
  const evil = await sandbox.directory('evil');
  spawnSync('sh', ['-c', `ln -s /etc ${evil}/proc; mknod ${evil}/disk c 1 5`]);
  await sandbox.mount(['evil', ...(await programs(sandbox))]);
  await assert.rejects(sandbox.run(['/bin/true']), { code: 'SANDBOX_FAILED' });
});

test('a device node in an image opens nothing', async (context) => {
  const probe = await overHost(context);
  if (probe === undefined) return;
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  const sandbox = await createSandbox({ mountPoint });
  context.after(() => sandbox.close());
  const evil = await sandbox.directory('evil');
  spawnSync('mknod', [`${evil}/zero`, 'c', '1', '5']);
  await sandbox.mount(['evil', ...(await programs(sandbox))]);
  assert.notEqual((await sandbox.run(sh('head -c1 /zero'))).code, 0);
});

test('time, output and file size limits end a command and all it started', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  await assert.rejects(sandbox.run(sh('setsid sleep 1000 & sleep 1000'), { limits: { timeout: 300 } }), {
    code: 'SANDBOX_TIMEOUT',
  });
  await assert.rejects(sandbox.run(sh('yes'), { limits: { output: 100_000 } }), { code: 'SANDBOX_OUTPUT_LIMIT' });
  const large = await sandbox.run(sh('head -c 2000000 /dev/zero > /tmp/large'), { limits: { fileSize: 1_000_000 } });
  assert.notEqual(large.code, 0);
  const left = await sandbox.run(sh('ls -d /proc/[0-9]* | wc -l'));
  assert.ok(Number(left.stdout.toString()) <= 5);
  const stop = new AbortController();
  const stopped = sandbox.run(['sleep', '1000'], { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 100);
  await assert.rejects(stopped, /enough/);
});

test('a fork bomb, a memory hog and a disk filler are ended, each with its code, and leave nothing', async (context) => {
  const sandbox = await overHost(context, 64 * 1024 ** 2);
  if (sandbox === undefined) return;
  const groups = openControlGroup({ memory: 64 * 1024 ** 2, processes: 100 });
  const isBounded = groups?.bounds('processes') ?? false;
  await groups?.remove();
  const timeout = 20_000;
  const bomb = sandbox.run(sh('b() { b | b & }; b; sleep 1000'), { limits: { processes: 200, timeout } });
  // Without control groups the count ends it, or the kernel holds it down until its time is up.
  const codes = isBounded ? ['SANDBOX_PROCESS_LIMIT'] : ['SANDBOX_PROCESS_LIMIT', 'SANDBOX_TIMEOUT'];
  await assert.rejects(bomb, (error) => isHeraklitError(error, ...codes));
  const hog = sh('perl -e \'my @m; while (1) { push @m, "x" x 1_000_000; select(undef, undef, undef, 0.002) }\'');
  await assert.rejects(sandbox.run(hog, { limits: { memory: 48 * 1024 ** 2, timeout } }), {
    code: 'SANDBOX_MEMORY_LIMIT',
  });
  await assert.rejects(sandbox.run(sh('head -c 200000000 /dev/zero > /tmp/fill')), { code: 'SANDBOX_SPACE_LIMIT' });
  assert.equal((await sandbox.run(sh('rm /tmp/fill; ls -d /proc/[0-9]* | wc -l'))).code, 0);
  const left = groups?.folders.flatMap((folder) => readdirSync(dirname(folder))) ?? [];
  assert.deepEqual(
    left.filter((name) => name.startsWith(`heraklit-sandbox-${process.pid}-`)),
    [],
  );
});

test('on kernels with a limit of process numbers for each namespace, it holds twice what may run', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 14)) return;
  // A control group does that where there is one.
  const groups = openControlGroup({ memory: 64 * 1024 ** 2, processes: 100 });
  const isBounded = groups?.bounds('processes') ?? false;
  await groups?.remove();
  const { stdout } = await sandbox.run(['/bin/cat', '/proc/sys/kernel/pid_max'], { limits: { processes: 500 } });
  assert.equal(stdout.toString() === '1000\n', !isBounded);
});

test('a control group takes version 1, version 2 and both beside each other; where none can be made there is none', () => {
  const root = mkdtempSync(join(tmpdir(), 'groups-'));
  try {
    const folder = (name: string, version: 1 | 2, controllers: readonly ('memory' | 'pids')[]): GroupParent => {
      mkdirSync(join(root, name));
      return { folder: join(root, name), version, controllers };
    };
    const one = folder('memory', 1, ['memory']);
    const two = folder('unified', 2, ['memory', 'pids']);
    const limits = { memory: 1_000_000, processes: 10 };
    // Plain folders stand in for the kernel's: what is written is what the kernel would be told.
    const mixed = openControlGroup(limits, [one, folder('pids', 1, ['pids']), two]);
    assert.deepEqual(
      mixed?.folders.map((path) => path.slice(root.length).split('/')[1]),
      ['memory', 'pids'],
    );
    const [memory = '', pids = ''] = mixed?.folders ?? [];
    assert.equal(readFileSync(join(memory, 'memory.limit_in_bytes'), 'utf8'), '1000000');
    assert.equal(readFileSync(join(pids, 'pids.max'), 'utf8'), '10');
    assert.equal(mixed?.event(), undefined);
    writeFileSync(join(memory, 'memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n');
    assert.equal(mixed?.event(), 'memory');
    const unified = openControlGroup(limits, [two]);
    const group = unified?.folders[0] ?? '';
    assert.equal(readFileSync(join(group, 'memory.max'), 'utf8'), '1000000');
    writeFileSync(join(group, 'pids.events'), 'max 1\n');
    assert.equal(unified?.event(), 'processes');
    assert.equal(openControlGroup(limits, [{ ...one, folder: join(root, 'absent') }]), undefined);
    assert.equal(openControlGroup(limits, []), undefined);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('hostile maintainer scripts get no hold of other processes, of new rights, or of the kernel’s settings', async (context) => {
  const sandbox = await overHost(context);
  if (sandbox === undefined) return;
  const victim = spawn('sleep', ['1000']);
  context.after(() => victim.kill());
  const refused = [
    // ptrace of a child of its own
    `perl -e 'require "syscall.ph" if 0; my $p = fork; if (!$p) { sleep 9; exit } exit(syscall(${process.arch === 'arm64' ? 117 : 101}, 16, $p, 0, 0) == 0 ? 0 : 1)'`,
    `kill -9 ${victim.pid}`,
    'kill -9 -- -1 && test ! -e /proc/2',
    // A set-user-id program gives nobody anything.
    'cp /usr/bin/id /tmp/id; chmod 6755 /tmp/id; perl -e \'$> = 65534; exec "/tmp/id", "-u"\' | grep -qx 0',
    'echo 1 > /proc/sys/vm/drop_caches',
    'echo x > /proc/sys/kernel/hostname',
    'echo core > /proc/sys/kernel/core_pattern',
    'mount --bind /etc /mnt',
    'mount -o remount,rw /proc',
    'umount /proc',
    'mknod /tmp/mem c 1 1',
    'chroot /proc/1/root true && chroot /proc/1/root ls /proc/1/root/proc/self',
    'nsenter --target 1 --all true',
    'swapon /tmp/none',
    'date -s 2000-01-01',
    'sysctl -w kernel.panic=1',
  ];
  for (const script of refused) {
    const { code, stdout } = await sandbox.run(sh(script), { limits: { timeout: 60_000 } }).catch((error: unknown) => {
      assert.ok(isHeraklitError(error), `${script}: ${error}`);
      return { code: 1, stdout: '' };
    });
    if (script.startsWith('kill -9 --')) continue;
    assert.notEqual(code, 0, `${script} succeeded: ${stdout}`);
  }
  assert.equal(victim.exitCode, null);
  assert.equal(victim.signalCode, null);
});

test('SIGKILL of our process leaves no process, no mount, no file', async (context) => {
  const probe = await overHost(context);
  if (probe === undefined) return;
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  const program = `
    const { createSandbox } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
    const sandbox = await createSandbox({ mountPoint: ${JSON.stringify(mountPoint)} });
    await sandbox.mount(['/usr']);
    const run = sandbox.run(['/bin/sh', '-c', 'echo > /tmp/made-inside; sleep 54321']);
    setTimeout(() => console.log('running'), 300);
    await run;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.ok(commandLines().some((line) => line.includes('54321')));
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let wait = 0; wait < 100 && commandLines().some((line) => line.includes('sleep\x0054321')); wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(!commandLines().some((line) => line.includes('sleep\x0054321')));
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(mountPoint));
  assert.deepEqual(readdirSync(mountPoint), []);
  assert.ok(!existsSync('/tmp/made-inside'));
});

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    });
}

test('without root there is no sandbox, and the error says what to do', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('root not installed');
  const mountPoint = mkdtempSync(join(tmpdir(), 'sandbox-'));
  context.after(() => rmdirSync(mountPoint));
  process.seteuid?.(65534);
  try {
    await assert.rejects(createSandbox({ mountPoint: tmpdir() }), {
      code: 'SANDBOX_UNAVAILABLE',
      hint: /scripts: none/,
    });
  } finally {
    process.seteuid?.(0);
  }
});
