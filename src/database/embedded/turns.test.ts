import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from './turns.ts';

test('turns come one after the other, in the order they were asked for, whoever ends twice', async () => {
  const turns = createTurns();
  const order: number[] = [];
  let open = 0;
  await Promise.all(
    Array.from({ length: 20 }, async (_, number) => {
      const end = await turns.take();
      open += 1;
      assert.equal(open, 1);
      order.push(number);
      await new Promise(setImmediate);
      open -= 1;
      end();
      end();
    }),
  );
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, number) => number),
  );
  (await turns.take())();
});

test('nobody waits for a turn that never ends once turns are abandoned', async () => {
  const turns = createTurns();
  await turns.take();
  const waiting = [turns.take(), turns.take()];
  turns.abandon();
  for (const end of await Promise.all([...waiting, turns.take()])) end();
});
