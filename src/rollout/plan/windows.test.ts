import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FleetRolloutWindow } from '../../recipe/index.ts';
import { momentOf } from './local-time.ts';
import { windowState } from './windows.ts';

const at = (text: string): number => Date.parse(text);
const told = (windows: readonly FleetRolloutWindow[], now: string): string => {
  const state = windowState(windows, at(now));
  const end = state.open ? state.until : state.opens;
  const when = end === undefined || !Number.isFinite(end) ? 'never' : new Date(end).toISOString().slice(0, 16);
  return `${state.open ? 'open until' : 'closed until'} ${when}`;
};

test('no windows: always open', () => assert.equal(told([], '2026-06-01T00:00Z'), 'open until never'));

test('working hours in Berlin follow summer time', () => {
  const office = [{ days: ['mon', 'tue'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' }] as const;
  assert.equal(told(office, '2026-03-23T08:30Z'), 'open until 2026-03-23T16:00');
  assert.equal(told(office, '2026-03-30T07:30Z'), 'open until 2026-03-30T15:00');
  assert.equal(told(office, '2026-03-25T12:00Z'), 'closed until 2026-03-30T07:00');
  assert.equal(told(office, '2026-03-23T16:00Z'), 'closed until 2026-03-24T08:00', 'the end is outside');
});

test('a night goes on after midnight, and the day it begins on counts', () => {
  const night = [{ days: ['sat'], from: '22:00', to: '04:00' }] as const;
  assert.equal(told(night, '2026-06-07T03:59Z'), 'open until 2026-06-07T04:00');
  assert.equal(told(night, '2026-06-06T21:59Z'), 'closed until 2026-06-06T22:00');
  assert.equal(told([{ days: ['sun'] }], '2026-06-06T12:00Z'), 'closed until 2026-06-07T00:00');
  assert.equal(told([{ from: '20:00', to: '24:00' }], '2026-06-06T23:59Z'), 'open until 2026-06-07T00:00');
});

test('cron lines with a duration; the longest that is open counts', () => {
  const first = [{ cron: '0 6 1 * *', duration: 3_600 }];
  assert.equal(told(first, '2026-06-01T06:30Z'), 'open until 2026-06-01T07:00');
  assert.equal(told(first, '2026-06-01T07:00Z'), 'closed until 2026-07-01T06:00');
  assert.equal(
    told([...first, { cron: '0 0 1 6 *', duration: 604_800 }], '2026-06-07T06:30Z'),
    'open until 2026-06-08T00:00',
  );
  assert.equal(told([{ cron: '0 0 30 2 *', duration: 60 }], '2026-06-01T06:30Z'), 'closed until never');
});

test('a time that summer time leaves out comes later, one that comes twice is the first', () => {
  const iso = (moment: number): string => new Date(moment).toISOString();
  const [gap, twice] = [
    { year: 2026, month: 3, day: 29 },
    { year: 2026, month: 10, day: 25 },
  ];
  assert.equal(iso(momentOf(gap, 150, 'Europe/Berlin')), '2026-03-29T01:30:00.000Z');
  assert.equal(iso(momentOf(twice, 150, 'Europe/Berlin')), '2026-10-25T00:30:00.000Z');
  assert.equal(iso(momentOf(gap, 720, 'Australia/Lord_Howe')), '2026-03-29T01:00:00.000Z');
});

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const anyWindow = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }),
    from: clock,
    to: clock,
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia'),
  })
  .filter(({ from, to }) => from !== to);

test('what it says of the end of a window or of its opening is so, to the minute', () => {
  const moment = fc.integer({ min: at('2026-01-01T00:00Z') / 60_000, max: at('2027-01-01T00:00Z') / 60_000 });
  fc.assert(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), moment, (windows, minute) => {
      const now = minute * 60_000;
      const state = windowState(windows, now);
      const change = state.open ? state.until : (state.opens as number);
      assert.ok(change > now && change <= now + 9 * 86_400_000);
      if (!state.open) {
        assert.equal(windowState(windows, change).open, true);
        assert.equal(windowState(windows, change - 1).open, false);
      } else assert.equal(windowState(windows, change - 1).open, true);
    }),
    { numRuns: 150 },
  );
});
