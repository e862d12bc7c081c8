import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { packagesOfScope, recordFindings, refreshScope } from '../../src/inventory/store/index.ts';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { type Cli, openCli } from '../support/cli.ts';
import { isMissing, storageBelow, unmountStorage } from '../support/engine-tools.ts';
import { type SmallFiles, smallImage } from '../support/small-image.ts';

const [OLD, NEW] = ['1.0-1', '1.0-2'];
const BIN = join(import.meta.dirname, '../../bin/heraklit.js');
const SLEEP = '/usr/bin/sleep';

/** `sleep` of this machine with its libraries, as two packages and one that nobody runs. */
function filesOfImage(): { readonly files: SmallFiles; readonly libc: string } {
  const listed = spawnSync('ldd', [SLEEP], { encoding: 'utf8' }).stdout;
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] as string);
  const program = (path: string) => [path.slice(1), { program: readFileSync(realpathSync(path)) }] as const;
  const folders = ['proc', 'sys', 'dev', 'etc', 'run', 'tmp'].map((path) => [path, null] as const);
  const files = {
    ...Object.fromEntries(folders),
    ...Object.fromEntries([SLEEP, ...libraries].map(program)),
    'usr/lib/os-release': OS_RELEASE,
    'var/lib/dpkg/status': status(stanza('libc6', OLD), stanza('coreutils', OLD), stanza('idle', OLD)),
    'var/lib/dpkg/info/libc6.list': `${libraries.join('\n')}\n`,
    'var/lib/dpkg/info/coreutils.list': `${SLEEP}\n`,
  };
  return { files, libc: libraries.find((path) => path.includes('libc.so')) as string };
}

/** Every package of the home's images misses an update. */
async function outdateAll(home: string): Promise<void> {
  const database = await openDatabase({ kind: 'embedded', directory: join(home, 'database') });
  try {
    const scope = 'debian/trixie/amd64';
    const now = new Date();
    const packages = await packagesOfScope(database.kysely, scope);
    const findings = packages.map((item) => ({
      ...{ package: item.name, arch: 'amd64', installed: item.version, installedArch: 'amd64', candidate: NEW },
      ...{ repository: 'r', security: true, severity: 'critical' as const, advisories: [], since: now.toISOString() },
    }));
    assert.equal(findings.length, 3);
    await database.transaction(async (trx) => {
      await recordFindings(trx, { scope, distribution: 'debian/trixie', packages, findings, now });
      await refreshScope(trx, scope);
    });
  } finally {
    await database.close();
  }
}

async function startServer(context: TestContext, home: string): Promise<string> {
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--home', home], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HERAKLIT_DATABASE: '' },
  });
  const ended = new Promise((end) => child.once('exit', end));
  context.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    const url = /serves (\S+)/.exec(said)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error('the server ended');
}

interface Seen {
  readonly package: string;
  readonly usage: string;
  readonly loadedIn?: readonly { name: string; host: string; version: string; restartDue: boolean }[];
}

async function loaded(cli: Cli): Promise<readonly unknown[]> {
  const { stdout, stderr, code } = await cli.run(['outdated', '--all', '--usage', 'loaded', '--format', 'json']);
  assert.equal(code, 0, stderr);
  const { images } = JSON.parse(stdout) as { images: { findings: Seen[] }[] };
  return images.flatMap(({ findings }) =>
    findings.flatMap(({ package: name, loadedIn = [] }) =>
      loadedIn.map((one) => [name, one.name, one.host, one.version, one.restartDue]),
    ),
  );
}

test('a container of podman, told to a server: findings say what is loaded, where, and that a restart is due', async (context) => {
  if (isMissing(context, 'podman', 'skopeo')) return;
  if (process.getuid?.() !== 0) return context.skip('podman (as root) not installed');
  const cli = await openCli(context);
  const global = storageBelow(cli.root);
  const runtime = spawnSync('runc', ['--version']).status === 0 ? ['--runtime', 'runc'] : [];
  const podman = (...argv: readonly string[]): string => {
    const {
      status: code,
      stdout,
      stderr,
    } = spawnSync('podman', [...global, ...runtime, ...argv], { encoding: 'utf8' });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  context.after(() => {
    spawnSync('podman', [...global, 'rm', '--all', '--force', '--time', '0']);
    unmountStorage(cli.root);
  });
  const { files, libc } = filesOfImage();
  await (await smallImage(join(cli.root, 'layouts'), 'web', [files], { config: { Cmd: [SLEEP, '600'] } })).close();
  const reference = `oci:${join(cli.root, 'layouts', 'web')}`;
  const recorded = await cli.run(['scan', reference, '--record', '--format', 'json']);
  assert.equal(recorded.code, 0, recorded.stderr);
  const digest = JSON.parse(recorded.stdout).digest as string;
  await outdateAll(cli.home);
  const robot = await cli.run(['account', 'robot', 'hosts', '--role', 'report', '--format', 'json']);
  assert.equal(robot.code, 0, robot.stderr);
  const token = join(cli.root, 'token');
  writeFileSync(token, `${JSON.parse(robot.stdout).secret}\n`);

  const image = 'localhost/team/web:1';
  const [, graph = '', , run = '', , driver = ''] = global;
  const target = `containers-storage:[${driver}@${graph}+${run}]${image}`;
  const copied = spawnSync('skopeo', ['copy', '--quiet', reference, target], { encoding: 'utf8' });
  assert.equal(copied.status, 0, copied.stderr);
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'host'];
  const id = podman('run', '--detach', '--name', 'held', ...limits, image);
  const pid = podman('inspect', '--format', '{{.State.Pid}}', id);
  // The container is there before its first process has mapped its libraries.
  for (let left = 600; left > 0 && !readFileSync(`/proc/${pid}/maps`, 'utf8').includes('libc.so'); left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const url = await startServer(context, cli.home);
  // The agent lives on another machine: a home of its own.
  const agent = (...more: readonly string[]) =>
    cli.run(['agent', '--home', join(cli.root, 'agent'), '--report', url, '--host', 'worker-1', ...more]);

  const refused = await agent();
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /code: AGENT_REPORT_UNSENT/);
  assert.deepEqual(await loaded(cli), []);
  const told = await agent('--token-file', token);
  assert.equal(told.code, 0, told.stderr);
  const where = (due: boolean) => ['held', 'worker-1', OLD, due];
  assert.deepEqual((await loaded(cli)).toSorted(), [
    ['coreutils', ...where(false)],
    ['libc6', ...where(false)],
  ]);
  const all = JSON.parse((await cli.run(['outdated', '--all', '--format', 'json'])).stdout);
  assert.deepEqual(
    all.images[0].findings.map((one: Seen) => one.usage),
    ['loaded', 'loaded', 'contained'],
  );

  const root = `/proc/${pid}/root`;
  copyFileSync(join(root, libc), join(root, 'new'));
  renameSync(join(root, 'new'), join(root, libc));
  writeFileSync(join(root, 'var/lib/dpkg/status'), status(stanza('libc6', NEW), stanza('coreutils', OLD)));
  assert.equal((await agent('--token-file', token)).code, 0);
  assert.deepEqual((await loaded(cli)).toSorted(), [
    ['coreutils', ...where(false)],
    ['libc6', ...where(true)],
  ]);
  const places = await cli.run(['where', 'libc6', '--usage', 'loaded']);
  assert.match(places.stdout, /held on worker-1 \(restart due\)/, places.stderr);
  const hosts = await cli.run(['agent', '--reported']);
  assert.match(hosts.stdout, /^worker-1 {2}\S+: last seen/m, hosts.stderr);
  assert.match(hosts.stdout, new RegExp(`^held .*${digest.slice(0, 19)}.*due libc6`, 'm'));
  const asked = await fetch(`${url}/api/v1/hosts`, {
    headers: { authorization: `Bearer ${readFileSync(token, 'utf8').trim()}` },
  });
  assert.equal(asked.status, 403, 'who may report may not read');

  podman('rm', '--force', '--time', '0', 'held');
  assert.equal((await agent('--token-file', token)).code, 0);
  assert.deepEqual(await loaded(cli), []);
});

test('wrong use of --report is told before anything is looked at', async (context) => {
  const cli = await openCli(context);
  const env = { HERAKLIT_TOKEN: 'secret' };
  for (const [args, code] of [
    [['--report', 'nowhere'], 'CLI_USAGE'],
    [['--report', 'http://name:secret@example.org'], 'CLI_USAGE'],
    [['--report', 'http://example.org'], 'CLI_USAGE'],
    [['--report', 'http://127.0.0.1:1', '--valid', '0'], 'CLI_USAGE'],
    [['--report', 'http://127.0.0.1:1', '--host-id', 'a b'], 'CLI_USAGE'],
    [['--report', 'http://127.0.0.1:1', '--token-file', '/nowhere'], 'AGENT_TOKEN_UNREADABLE'],
  ] as const) {
    const ended = await cli.run(['agent', ...args], { env });
    assert.equal(ended.code, 2, ended.stderr);
    assert.match(ended.stderr, new RegExp(`code: ${code}`));
  }
});
