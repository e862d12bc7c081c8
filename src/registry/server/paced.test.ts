import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { paced } from './paced.ts';

async function* coming(pauses: readonly number[], bytes: number): AsyncGenerator<Buffer> {
  for (const pause of pauses) {
    await sleep(pause);
    yield Buffer.alloc(bytes);
  }
}
const read = async (content: AsyncIterable<Buffer>): Promise<number> => {
  let size = 0;
  for await (const chunk of content) size += chunk.length;
  return size;
};
const stalls = (content: AsyncIterable<Buffer>) => assert.rejects(read(content), { code: 'REGISTRY_BODY_STALLED' });

test('what moves passes, however long the whole takes', async () => {
  assert.equal(await read(paced(coming([], 1), { idle: 10, bytes: 1 })), 0);
  // Pauses far below the limit, even on a machine that is busy with something else, and a whole above it.
  assert.equal(await read(paced(coming(Array(12).fill(120), 100), { idle: 1_200, bytes: 50 })), 1_200);
});

test('who stands still or trickles is cut off', async () => {
  await stalls(paced(coming([0, 60_000], 100), { idle: 50, bytes: 200 }));
  await stalls(paced(coming([0, 60_000], 100), { idle: 50, bytes: 1 }));
  await stalls(paced(coming(Array(100).fill(5), 1), { idle: 50, bytes: 200 }));
});

test('only waiting for the client counts', async () => {
  let size = 0;
  for await (const chunk of paced(coming([0, 0], 10), { idle: 500, bytes: 5 })) {
    size += chunk.length;
    await sleep(600);
  }
  assert.equal(size, 20);
});

test('an error of the source comes through, and stopping early ends quietly', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(1);
    throw new Error('connection lost');
  }
  await assert.rejects(read(paced(broken(), { idle: 100, bytes: 1 })), /connection lost/);
  for await (const _chunk of paced(coming([0, 0, 0], 1), { idle: 100, bytes: 1 })) break;
});
