import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FleetRolloutWindow } from '../../recipe/index.ts';
import { windowState } from '../plan/windows.ts';
import { chanceOf } from './chance.ts';

const HOUR = 3_600_000;
const NIGHTS: readonly FleetRolloutWindow[] = [{ from: '22:00', to: '04:00' }];
const at = (hour: number): number => Date.UTC(2030, 0, 7) + hour * HOUR;

test('the next chance is the next look, or the first one after windows open again', () => {
  assert.deepEqual(chanceOf([], at(12), HOUR), { kind: 'now', lead: HOUR });
  assert.deepEqual(chanceOf(NIGHTS, at(12), HOUR), { kind: 'later', opens: at(22) });
  assert.deepEqual(chanceOf(NIGHTS, at(1), HOUR), { kind: 'now', lead: HOUR });
  assert.deepEqual(chanceOf(NIGHTS, at(3.5), HOUR), { kind: 'now', lead: 19.5 * HOUR });
});

test('between two chances there is no look in an open window', () => {
  const hour = fc.integer({ min: 0, max: 23 });
  const days = fc.uniqueArray(fc.constantFrom('mon', 'tue', 'sat'), { minLength: 1 });
  const windows = fc.array(
    fc
      .tuple(hour, hour, fc.option(days))
      .filter(([from, to]) => from !== to)
      .map(
        ([from, to, on]): FleetRolloutWindow => ({
          ...{ from: `${String(from).padStart(2, '0')}:00`, to: `${String(to).padStart(2, '0')}:00` },
          ...(on === null ? {} : { days: on as NonNullable<FleetRolloutWindow['days']> }),
        }),
      ),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(windows, fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 5 }), (some, hours, lead) => {
      const now = Date.UTC(2030, 0, 7) + hours * HOUR;
      const chance = chanceOf(some, now, lead * HOUR);
      assert.equal(chance.kind === 'now', windowState(some, now).open);
      if (chance.kind === 'later') return;
      assert.ok(chance.lead >= lead * HOUR);
      for (let look = now + lead * HOUR; look < now + chance.lead - lead * HOUR; look += lead * HOUR) {
        const state = windowState(some, look);
        // One that opens between two looks is met by the look after.
        if (state.open) assert.fail(`open at ${new Date(look).toISOString()}`);
      }
    }),
  );
});
