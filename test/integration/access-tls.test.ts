import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import type { Log } from '../../src/base/index.ts';
import { openTls, type TlsServing } from '../../src/http/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { type Certificate, certificateAuthority } from '../support/certificates.ts';
import { type GuardedServer, PASSWORD, startGuarded } from '../support/guarded-server.ts';

const run = promisify(execFile);
const absent = ['openssl', 'skopeo'].find((tool) => spawnSync(tool, ['--version']).error !== undefined);

if (absent !== undefined) test('TLS', (context) => context.skip(`${absent} not installed`));
else {
  let folder: string;
  let guarded: GuardedServer;
  let tls: TlsServing;
  let authority: Awaited<ReturnType<typeof certificateAuthority>>;
  let [one, two]: Certificate[] = [];
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const files = () => ({ cert: join(folder, 'server.pem'), key: join(folder, 'server.key') });
  const use = async (certificate: Certificate | undefined): Promise<void> => {
    assert.ok(certificate);
    await copyFile(certificate.cert, files().cert);
    await copyFile(certificate.key, files().key);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'access-tls-'));
    authority = await certificateAuthority(folder);
    [one, two] = [await authority.issue('one'), await authority.issue('two')];
    await use(one);
    tls = await openTls(files(), log, 20);
    guarded = await startGuarded({ http: { tls }, door: { secure: true } });
  });
  after(async () => {
    tls.close();
    await guarded.close();
    await rm(folder, { recursive: true, force: true });
  });

  const served = (versions: { minVersion?: SecureVersion; maxVersion?: SecureVersion } = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      const port = Number(new URL(guarded.url).port);
      const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ...versions };
      const socket = connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  test('skopeo verifies the certificate and signs in; the challenge says https', async () => {
    assert.match(guarded.url, /^https:/);
    const certificates = join(folder, 'certs');
    await mkdir(certificates);
    await copyFile(authority.ca, join(certificates, 'ca.crt'));
    const ask = (...args: string[]) =>
      run('skopeo', ['list-tags', '--creds', `alice:${PASSWORD}`, ...args, `docker://${guarded.host}/team/app`]);
    await assert.rejects(
      ask('--cert-dir', certificates),
      /name unknown|not found|invalid status code.*404|NAME_UNKNOWN/i,
    );
    await assert.rejects(ask(), /x509|certificate/);
    const client = createRegistryClient(guarded.host, {
      credentials: { kind: 'password', username: 'alice', password: PASSWORD },
    });
    await assert.rejects(client.tags('team/app'), { code: 'REGISTRY_NAME_UNKNOWN' });
    client.close();
  });

  test('the same machine reaches the server without TLS, with the owner’s key', async () => {
    assert.match(guarded.localUrl, /^http:\/\/127\.0\.0\.1:/);
    const ask = (key: string) =>
      fetch(`${guarded.localUrl}/api/v1/accounts`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal((await ask('the-owner')).status, 200);
    assert.equal((await ask('somebody')).status, 401);
  });

  test('TLS below 1.2 is refused', async () => {
    await served({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    await served({ minVersion: 'TLSv1.3' });
    await assert.rejects(served({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }), /EPROTO|alert|protocol/i);
  });

  test('a new certificate is served without a restart; a broken one keeps the old, and is told of once', async () => {
    assert.equal(await served(), 'CN=one');
    await use(two);
    await until(async () => (await served()) === 'CN=two');
    const told = () => said.filter((message) => message.includes('not usable')).length;
    const before = told();
    await truncate(files().cert, 40);
    await until(async () => told() > before);
    assert.equal(await served(), 'CN=two');
    assert.equal(await tls.reload(), false);
    assert.equal(told(), before + 1);
    await use(one);
    await copyFile((two as Certificate).key, files().key);
    assert.equal(await tls.reload(), false, 'a key that is not the certificate’s');
    assert.equal(await served(), 'CN=two');
    await rm(files().key);
    assert.equal(await tls.reload(), false);
    await use(one);
    await until(async () => (await served()) === 'CN=one');
    assert.equal((await fetch(`${guarded.localUrl}/healthz`)).status, 200);
  });

  test('files that are no certificate and key are refused at the start', async () => {
    const broken = join(folder, 'broken.pem');
    await writeFile(broken, 'no certificate');
    const { cert, key } = one as Certificate;
    for (const wrong of [
      { cert: broken, key },
      { cert, key: broken },
      { cert, key: (two as Certificate).key },
      { cert: join(folder, 'absent.pem'), key },
      { cert, key, clientCa: join(folder, 'absent.pem') },
    ]) {
      await assert.rejects(openTls(wrong, log), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'HTTP_TLS_INVALID');
        assert.ok(!error.message.includes('PRIVATE'));
        return true;
      });
    }
  });

  test('with a CA for clients, only who shows one of its certificates gets in', async () => {
    const { cert, key } = one as Certificate;
    const strict = await openTls({ cert, key, clientCa: authority.ca }, log);
    const server = await startGuarded({ http: { tls: strict } });
    const ask = async (more: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = request(`${server.url}/healthz`, { rejectUnauthorized: false, ...more }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on('error', reject);
        asked.end();
      });
    const shown = { cert: await readFile((two as Certificate).cert), key: await readFile((two as Certificate).key) };
    assert.equal(await ask(shown), 200);
    await assert.rejects(ask({}));
    const foreign = join(folder, 'foreign');
    await mkdir(foreign);
    const stranger = await (await certificateAuthority(foreign)).issue('stranger');
    await assert.rejects(ask({ cert: await readFile(stranger.cert), key: await readFile(stranger.key) }));
    assert.ok(new X509Certificate(await readFile(stranger.cert)).subject.includes('stranger'));
    strict.close();
    await server.close();
  });
}
