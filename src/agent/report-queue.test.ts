import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { errorFactory } from '../base/index.ts';
import { deliver } from './deliver.ts';
import { hostIdentity } from './host-identity.ts';
import type { AgentReport } from './report.ts';
import { ReportQueue } from './report-queue.ts';

const fail = errorFactory({
  HTTP_REMOTE_UNREACHABLE: { kind: 'failed', retryable: true, meaning: 'away' },
  HTTP_REQUEST_INVALID: { kind: 'usage', retryable: false, meaning: 'refused' },
});

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-queue-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const report = (at: number): AgentReport => ({
  host: { id: 'h', name: 'host' },
  observedAt: new Date(at).toISOString(),
  validFor: 60,
  containers: [],
  unread: 0,
});

const OPTIONS = { now: () => new Date(9_000), warn: () => {} };

test('what could not be sent waits, also for the next process, and goes oldest first', async (context) => {
  const folder = scratch(context);
  const queue = new ReportQueue(folder);
  for (const at of [1_000, 2_000]) assert.equal(await queue.put(report(at), at), 0);
  const away = fail('HTTP_REMOTE_UNREACHABLE', 'x');
  const failed = await deliver(queue, () => Promise.reject(away), OPTIONS);
  assert.deepEqual([failed.sent, failed.failure], [0, away]);
  const next = new ReportQueue(folder);
  await next.put(report(3_000), 3_000);
  const seen: string[] = [];
  const done = await deliver(
    next,
    async ({ observedAt, sentAt }) => {
      seen.push(`${observedAt} ${sentAt}`);
      return { containers: 0, known: 0 };
    },
    OPTIONS,
  );
  assert.deepEqual(
    seen,
    [1, 2, 3].map((at) => `1970-01-01T00:00:0${at}.000Z 1970-01-01T00:00:09.000Z`),
  );
  assert.deepEqual([done.sent, done.failure, await next.names()], [3, undefined, []]);
});

test('it is bounded by number and bytes; the newest always stays', async (context) => {
  const queue = new ReportQueue(scratch(context), { reports: 3, bytes: 1_000_000 });
  const dropped = [];
  for (let at = 1; at <= 5; at += 1) dropped.push(await queue.put(report(at), at));
  assert.deepEqual(dropped, [0, 0, 0, 1, 1]);
  assert.equal((await queue.oldest())?.report?.observedAt, new Date(3).toISOString());
  const folder = scratch(context);
  const small = new ReportQueue(folder, { reports: 10, bytes: 10 });
  for (let at = 1; at <= 3; at += 1) await small.put(report(at), at);
  assert.equal((await small.names()).length, 1);
  assert.equal((await small.oldest())?.report?.observedAt, new Date(3).toISOString());
  assert.equal(statSync(join(folder, (await small.names())[0] as string)).mode & 0o077, 0, 'for nobody else to read');
});

test('a damaged report, and one the server refuses, hold up no other', async (context) => {
  const folder = scratch(context);
  const queue = new ReportQueue(folder);
  for (const at of [1, 2, 3]) await queue.put(report(at), at);
  writeFileSync(join(folder, (await queue.names())[0] as string), '{"host":');
  const warned: string[] = [];
  const done = await deliver(
    queue,
    async ({ observedAt }) => {
      if (observedAt === new Date(2).toISOString()) throw fail('HTTP_REQUEST_INVALID', 'no');
      return { containers: 1, known: 1 };
    },
    { ...OPTIONS, warn: (message) => warned.push(message) },
  );
  assert.deepEqual([done.sent, done.last, warned.length], [1, { containers: 1, known: 1 }, 2]);
});

test('a host is known by its machine id and name, never by the id itself; else by a number it keeps', async (context) => {
  const folder = scratch(context);
  const machineIdFile = join(folder, 'machine-id');
  writeFileSync(machineIdFile, `${'ab'.repeat(16)}\n`);
  const one = await hostIdentity(folder, { name: 'a', machineIdFile });
  assert.match(one.id, /^[0-9a-f]{32}$/);
  assert.notEqual(one.id, 'ab'.repeat(16));
  assert.deepEqual(await hostIdentity(folder, { name: 'a', machineIdFile }), one);
  assert.notEqual((await hostIdentity(folder, { name: 'b', machineIdFile })).id, one.id, 'a clone of the disk');
  const none = join(folder, 'none');
  const drawn = await hostIdentity(folder, { name: 'a', machineIdFile: none });
  assert.deepEqual(await hostIdentity(folder, { name: 'a', machineIdFile: none }), drawn);
  assert.notEqual(drawn.id, (await hostIdentity(scratch(context), { name: 'a', machineIdFile: none })).id);
});
