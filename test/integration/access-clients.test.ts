import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { isMissing, storageBelow, unmountStorage } from '../support/engine-tools.ts';
import { type GuardedServer, PASSWORD, startGuarded } from '../support/guarded-server.ts';

const run = promisify(execFile);
let guarded: GuardedServer;
let folder: string;
let auth: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'access-clients-'));
  auth = join(folder, 'auth.json');
  guarded = await startGuarded();
});
after(async () => {
  await guarded.close();
  unmountStorage(folder);
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({ timeout: 120_000, env: { ...process.env, REGISTRY_AUTH_FILE: auth } });
const buildah = (...args: string[]) => run('buildah', [...storageBelow(folder), ...args], options());
const podman = (...args: string[]) => run('podman', [...storageBelow(folder), ...args], options());
const skopeo = (...args: string[]) => run('skopeo', args, options());

async function login(tool: 'podman' | 'buildah' | 'skopeo', name: string, password: string): Promise<string> {
  const own = tool === 'skopeo' ? [] : storageBelow(folder);
  const args = [...own, 'login', '--tls-verify=false', '-u', name, '--password-stdin', guarded.host];
  const child = spawn(tool, args, { ...options(), stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(password);
  const [code, output] = await Promise.all([
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
    text(child.stderr),
  ]);
  return code === 0 ? 'in' : output;
}

test('podman, buildah and skopeo sign in with the right password only, as people and as robots', async (context) => {
  if (isMissing(context, 'podman', 'buildah', 'skopeo')) return;
  const { secret } = await guarded.admin.addRobot({ name: 'ci' });
  for (const tool of ['podman', 'buildah', 'skopeo'] as const) {
    assert.match(await login(tool, 'alice', 'wrong password'), /invalid username\/password|unauthorized/i, tool);
    assert.equal(await login(tool, 'ci', secret), 'in', tool);
    assert.equal(await login(tool, 'alice', PASSWORD), 'in', tool);
  }
  const stored = await readFile(auth, 'utf8');
  assert.ok(stored.includes(Buffer.from(`alice:${PASSWORD}`).toString('base64')));
});

test('pushes, pulls, mounts, copies and deletes are allowed and refused by grants', async (context) => {
  if (isMissing(context, 'podman', 'buildah', 'skopeo')) return;
  const source = join(folder, 'source');
  await mkdir(source);
  await writeFile(join(source, 'data'), Buffer.alloc(300_000, 'access'));
  await writeFile(join(source, 'Dockerfile'), 'FROM scratch\nCOPY data /data\n');
  await buildah('build', '-t', 'app', source);
  const team = `${guarded.host}/team/app:v1`;
  await podman('push', '--tls-verify=false', 'app', `docker://${team}`);
  await assert.rejects(
    podman('push', '--tls-verify=false', 'app', `docker://${guarded.host}/other/app:v1`),
    /403|denied/,
  );
  assert.equal(await guarded.catalogue.resolve('other/app', 'v1'), undefined);
  await podman('push', '--tls-verify=false', 'app', `docker://${guarded.host}/team/again:v1`);
  await podman('rmi', '--all', '--force');
  await podman('pull', '--tls-verify=false', team);

  const { secret } = await guarded.admin.addRobot({ name: 'reader' });
  await guarded.admin.grant({ to: 'reader', role: 'pull', on: 'team/**' });
  const reader = ['--creds', `reader:${secret}`, '--tls-verify=false'];
  await skopeo('inspect', ...reader, `docker://${team}`);
  const copying = skopeo(
    'copy',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    '--src-creds',
    `reader:${secret}`,
    '--dest-creds',
    `reader:${secret}`,
    `docker://${team}`,
    `docker://${guarded.host}/team/app:v2`,
  );
  await assert.rejects(copying, /denied: reader may not push team\/app/);
  await assert.rejects(
    skopeo('inspect', '--no-creds', '--tls-verify=false', `docker://${team}`),
    /denied|unauthorized/,
  );
  await assert.rejects(skopeo('delete', '--tls-verify=false', `docker://${team}`), /may not delete/);

  await guarded.admin.grant({ to: 'anonymous', role: 'pull', on: 'team/again' });
  await skopeo('inspect', '--no-creds', '--tls-verify=false', `docker://${guarded.host}/team/again:v1`);
  await guarded.admin.grant({ to: 'alice', role: 'delete', on: 'team/again' });
  await skopeo('delete', '--tls-verify=false', `docker://${guarded.host}/team/again:v1`);
  await guarded.admin.remove('reader');
  await assert.rejects(skopeo('inspect', ...reader, `docker://${team}`), /unauthorized|invalid username/);

  const { entries } = await guarded.admin.audit({ repository: 'team/again' });
  const seen = entries.map(({ actor, action }) => `${actor} ${action}`);
  assert.ok(seen.includes('alice manifest.push') && seen.includes('alice manifest.delete'), seen.join(', '));
});
