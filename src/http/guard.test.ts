import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify, { type InjectOptions } from 'fastify';
import { silentLog } from '../base/index.ts';
import { answerErrors } from './answer-error.ts';
import { guardRequests } from './guard.ts';

async function ask(request: InjectOptions, loopback = true): Promise<string> {
  const server = Fastify();
  answerErrors(server, silentLog);
  guardRequests(server, { anonymous: 'write', loopback });
  server.all('/', async () => ({ error: { code: 'let through' } }));
  const answer = await server.inject({ url: '/', ...request });
  await server.close();
  return answer.json().error.code;
}

test('a browser on this machine is no way in for other pages', async () => {
  const host = '127.0.0.1:8080';
  assert.equal(await ask({ headers: { host } }), 'let through');
  assert.equal(await ask({ headers: { host: 'rebound.example:8080' } }), 'HTTP_HOST_REFUSED');
  assert.equal(await ask({ headers: { host: 'rebound.example' } }, false), 'let through');
  const origin = 'https://evil.example';
  assert.equal(await ask({ method: 'POST', headers: { host, origin } }), 'HTTP_HOST_REFUSED');
  assert.equal(await ask({ method: 'POST', headers: { host, origin: 'null' } }), 'HTTP_HOST_REFUSED');
  assert.equal(await ask({ method: 'POST', headers: { host, origin: `http://${host}` } }), 'let through');
});
