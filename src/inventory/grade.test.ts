import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GRADE_THRESHOLDS, gradeOf, severityOf } from './grade.ts';

const DAY = 86_400;
const NOW = 2_000_000_000;
const aged = (critical: number | undefined, important: number | undefined) => ({
  oldestCritical: critical === undefined ? undefined : NOW - critical * DAY,
  oldestImportant: important === undefined ? undefined : NOW - important * DAY,
  unsupported: false,
});

test('the scale', () => {
  const grades = (critical?: number, important?: number) => gradeOf(aged(critical, important), NOW).grade;
  assert.equal(grades(), 'A');
  assert.equal(grades(7), 'B');
  assert.equal(grades(7.01), 'C');
  assert.equal(grades(undefined, 30), 'B');
  assert.equal(grades(undefined, 31), 'C');
  assert.equal(grades(31, 1), 'D');
  assert.equal(grades(1, 91), 'D');
  assert.equal(grades(90, 365), 'D');
  assert.equal(grades(undefined, 366), 'E');
  assert.equal(gradeOf({ ...aged(undefined, undefined), unsupported: true }, NOW).grade, 'F');
});

test('the drop date is the last moment of the grade, and the grade after it is the one foretold', () => {
  const age = fc.option(fc.integer({ min: -10, max: 500 }), { nil: undefined });
  fc.assert(
    fc.property(age, age, (critical, important) => {
      const exposure = aged(critical, important);
      const { grade, dropsAt, dropsTo } = gradeOf(exposure, NOW);
      if (dropsAt === undefined) {
        assert.ok(grade === 'A' || grade === 'E');
        return;
      }
      assert.ok(dropsAt >= NOW);
      assert.equal(gradeOf(exposure, dropsAt).grade, grade);
      const after = gradeOf(exposure, dropsAt + 1).grade;
      assert.ok(after >= (dropsTo as string), 'one drop may skip a grade when both ages end together');
    }),
  );
});

test('thresholds rise, so a grade never gets better with time', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.nat(400), fc.nat(400), (critical, important, later) => {
      assert.ok(
        gradeOf(aged(critical, important), NOW + later * DAY).grade >= gradeOf(aged(critical, important), NOW).grade,
      );
    }),
  );
  assert.deepEqual(
    GRADE_THRESHOLDS.map((row) => row.grade),
    ['B', 'C', 'D'],
  );
});

test('severity from what a distribution says', () => {
  assert.equal(severityOf({ security: true, urgencies: ['high'], advisories: [] }), 'critical');
  assert.equal(severityOf({ security: true, urgencies: ['medium'], advisories: ['CVE-2026-1'] }), 'important');
  assert.equal(severityOf({ security: false, urgencies: ['high'], advisories: ['CVE-2026-1'] }), 'important');
  assert.equal(severityOf({ security: false, urgencies: ['high'], advisories: [] }), 'other');
});
