import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradeOf } from './grade.ts';
import { gradeCheck } from './grade-check.ts';
import { DEFAULT_GRADE_POLICY, gradePolicyOf, lastDayOf, supportedUntil } from './grade-policy.ts';

const DAY = 86_400;
const seconds = (iso: string): number => Date.parse(iso) / 1000;
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time * 1000).toISOString().slice(0, 10);

test('the scale: A none unapplied; B 7/30 days, C 30/90, D 90/365; E older; F no support or unknown', () => {
  const now = seconds('2026-06-01T00:00:00Z');
  const grade = (critical: number | undefined, important: number | undefined) =>
    gradeOf(
      {
        oldestCritical: critical === undefined ? undefined : now - critical * DAY,
        oldestImportant: important === undefined ? undefined : now - important * DAY,
        unsupported: false,
      },
      now,
    ).grade;
  assert.equal(grade(undefined, undefined), 'A');
  for (const [critical, important, expected] of [
    [0, 0, 'B'],
    [7, 30, 'B'],
    [8, 0, 'C'],
    [0, 31, 'C'],
    [30, 90, 'C'],
    [31, 0, 'D'],
    [0, 91, 'D'],
    [90, 365, 'D'],
    [91, 0, 'E'],
    [0, 366, 'E'],
  ] as const) {
    assert.equal(grade(critical, important), expected, `${critical}/${important}`);
  }
  assert.equal(gradeOf({ oldestCritical: undefined, oldestImportant: undefined, unsupported: true }, now).grade, 'F');
});

test('the end of support is a drop to F of its own, and F from the day after', () => {
  const checked = { kind: 'checked', findings: [] } as const;
  const at = (day: string) => {
    const { grade, dropsAt, dropsTo } = gradeCheck(checked, seconds(day), 'debian/bookworm');
    return [grade, iso(dropsAt), dropsTo];
  };
  assert.deepEqual(at('2026-06-01T00:00:00Z'), ['A', '2028-06-30', 'F']);
  assert.deepEqual(at('2028-06-30T12:00:00Z'), ['A', '2028-06-30', 'F']);
  assert.deepEqual(at('2028-07-01T00:00:00Z'), ['F', undefined, undefined]);
  const now = seconds('2028-06-20T00:00:00Z');
  const exposure = {
    oldestCritical: now,
    oldestImportant: undefined,
    unsupported: false,
    supportedUntil: seconds('2028-06-30T23:59:59Z'),
  };
  assert.deepEqual(
    [gradeOf(exposure, now).grade, iso(gradeOf(exposure, now).dropsAt)],
    ['B', '2028-06-27'],
    'what comes first',
  );
  assert.equal(gradeCheck(checked, now, 'arch/rolling').dropsAt, undefined);
  assert.equal(gradeCheck(checked, now).grade, 'A');
});

test('a fleet sets thresholds and bought support; a workload what differs for it', () => {
  const fleet = gradePolicyOf({
    grades: { B: { critical: 3 }, D: { important: 200 } },
    endOfSupport: { 'debian/buster': '2029-06-30' },
  });
  assert.deepEqual(fleet.thresholds, [
    { grade: 'B', critical: 3, important: 30 },
    { grade: 'C', critical: 30, important: 90 },
    { grade: 'D', critical: 90, important: 200 },
  ]);
  const workload = gradePolicyOf({ grades: { B: { important: 60 } } }, fleet);
  assert.deepEqual(workload.thresholds[0], { grade: 'B', critical: 3, important: 60 });
  assert.equal(lastDayOf('debian/buster', workload), '2029-06-30');
  assert.equal(lastDayOf('debian/buster', DEFAULT_GRADE_POLICY), '2024-06-30');
  assert.equal(supportedUntil('debian/buster', fleet), seconds('2029-06-30T23:59:59Z'));
});
