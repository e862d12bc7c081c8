import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createAuthority } from './certificates.ts';
import { integer, oid, tagged } from './der.ts';

test('clients that know the authority believe its hosts, by name and by address; others do not', async (context) => {
  const authority = createAuthority();
  const server = createServer({ SNICallback: (name, done) => done(null, authority.contextFor(name)) });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as { port: number };
  const ask = (ca: string[] | undefined, name: string): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: name, ...(ca === undefined ? {} : { ca }) });
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
    });
  const socket = await ask([authority.certificate], 'registry.example.com');
  assert.equal(socket.getPeerX509Certificate()?.subjectAltName, 'DNS:registry.example.com');
  socket.destroy();
  await assert.rejects(ask(undefined, 'registry.example.com'), /self-signed|unable to/);
  await assert.rejects(ask([createAuthority().certificate], 'registry.example.com'));
});

test('openssl reads and verifies them as strictly as it can', (context) => {
  if (spawnSync('openssl', ['version']).error !== undefined) {
    context.skip('openssl not installed');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { certificate } = createAuthority();
  const own = new X509Certificate(certificate);
  assert.ok(own.ca && own.verify(own.publicKey));
  writeFileSync(join(folder, 'ca.pem'), certificate);
  const output = execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', 'ca.pem', 'ca.pem'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.match(output, /OK/);
});

test('DER: long lengths, high numbers, big identifiers', () => {
  assert.deepEqual([...tagged(0x04, Buffer.alloc(300)).subarray(0, 4)], [0x04, 0x82, 0x01, 0x2c]);
  assert.deepEqual([...integer(Buffer.from([0, 0, 0x80]))], [0x02, 2, 0, 0x80]);
  assert.deepEqual([...integer(Buffer.from([0]))], [0x02, 1, 0]);
  assert.deepEqual([...oid('1.2.840.10045.4.3.2')], [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
});
