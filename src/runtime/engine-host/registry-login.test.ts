import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngineRuntime } from './runtime.ts';

test('the engine signs in at our own registry, and shows the password to no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'registry-login-'));
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url?.includes('/images/')) seen.push(request.headers['x-registry-auth'] as string | undefined);
    const version = request.url?.endsWith('/version') === true;
    response.end(version ? JSON.stringify({ Version: '99', ApiVersion: '1.41' }) : '"OK"');
  });
  const socket = join(folder, 'engine.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const login = { host: '127.0.0.1:5000', username: 'owner', password: 'key' };
  const runtime = createEngineRuntime({ socket, registry: login });
  const api = await runtime.api();
  for (const host of ['127.0.0.1:5000', '127.0.0.1:50001', 'registry.example.org']) await api.pull(`${host}/a/b:v1`);
  assert.deepEqual(JSON.parse(Buffer.from(seen[0] ?? '', 'base64url').toString()), {
    username: 'owner',
    password: 'key',
    serveraddress: '127.0.0.1:5000',
  });
  assert.deepEqual(seen.slice(1), [undefined, undefined]);
  await runtime.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});
