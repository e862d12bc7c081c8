import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { Accounts, Audit } from '../../src/http/index.ts';

const CLI = join(import.meta.dirname, '../../bin/heraklit.js');
const PASSWORD = 'correct horse battery';
let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'access-command-'));
});
after(() => rm(home, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function heraklit(args: readonly string[], input = ''): Promise<Result> {
  const child = spawn(process.execPath, [CLI, ...args, '--home', home], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}

test('accounts from the command line: beside the database, and through the server that holds it', async () => {
  const added = await heraklit(['account', 'add', 'alice', '--role', 'push', '--on', 'team/**'], `${PASSWORD}\n`);
  assert.equal(added.code, 0, added.err);
  const weak = await heraklit(['account', 'add', 'bob'], 'short');
  assert.equal(weak.code, 2);
  assert.match(weak.err, /ACCESS_PASSWORD_REFUSED/);
  assert.ok(!weak.err.includes('short\n'));

  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--home', home], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
        const found = /serves (\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      ended.then(() => reject(new Error('the server ended')));
    });
    const ask = (name: string, password: string) =>
      fetch(`${url}/v2/`, {
        headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
      });
    assert.equal((await fetch(`${url}/v2/`)).status, 401, 'there is an account, so the door is closed');
    assert.equal((await ask('alice', PASSWORD)).status, 200);
    assert.equal((await stat(join(home, 'serve.json'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(home, 'access', 'signing-key.json'))).mode & 0o777, 0o600);

    const robot = await heraklit(['account', 'robot', 'ci', '--expires', '1d', '--role', 'pull']);
    assert.match(robot.out, /^hrk_[\w-]{43}\n$/, robot.err);
    assert.equal((await ask('ci', robot.out.trim())).status, 200);
    assert.equal((await heraklit(['account', 'grant', 'anonymous', 'pull', 'public/**'])).code, 0);
    assert.equal((await fetch(`${url}/v2/public/x/tags/list`)).status, 404, 'a grant counts at once');
    const listed = await heraklit(['account', 'list', '--format', 'json']);
    const { accounts, otherGrants } = JSON.parse(listed.out) as Accounts;
    assert.deepEqual(
      accounts.map(({ name, kind }) => `${kind} ${name}`),
      ['person alice', 'robot ci'],
    );
    assert.deepEqual(otherGrants, [{ to: 'anonymous', role: 'pull', on: 'public/**', source: 'manual' }]);
    assert.match((await heraklit(['account', 'list'])).out, /alice +person .*push team\/\*\*/);
    assert.equal((await heraklit(['account', 'passwd', 'alice'], `${PASSWORD} new`)).code, 0);
    assert.equal((await ask('alice', PASSWORD)).status, 401);
    assert.equal((await heraklit(['account', 'remove', 'ci'])).code, 0);
    assert.equal((await ask('ci', robot.out.trim())).status, 401);
    const gone = await heraklit(['account', 'remove', 'ci']);
    assert.equal(gone.code, 2);
    assert.match(gone.err, /ACCESS_ACCOUNT_UNKNOWN/);
    assert.equal((await heraklit(['outdated', '--all'])).code, 0, 'other commands of the home are the owner’s too');

    const audit = await heraklit(['audit', '--format', 'json', '--limit', '50']);
    const { entries } = JSON.parse(audit.out) as Audit;
    // Newest first: the robot's sign-in was refused after it had been removed.
    assert.deepEqual(
      entries.slice(0, 2).map(({ action, actor }) => [action, actor]),
      [
        ['sign-in', '(unknown)'],
        ['account.remove', 'owner'],
      ],
    );
    assert.ok(!audit.out.includes(PASSWORD) && !audit.out.includes('hrk_'));
    assert.match((await heraklit(['audit', '--action', 'account.add'])).out, /owner .*account\.add +done +ci +robot/);
  } finally {
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});

test('wrong use of serve’s options is told before anything listens', async () => {
  for (const options of [
    ['--tls-cert', 'only-one.pem'],
    ['--url', 'registry.example.org'],
    ['--rate', '-1'],
    ['--tls-cert', 'absent.pem', '--tls-key', 'absent.key'],
  ]) {
    const result = await heraklit(['serve', '--port', '0', ...options]);
    assert.equal(result.code, 2, `${options}: ${result.err}`);
  }
});
