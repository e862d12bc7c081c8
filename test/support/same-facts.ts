import assert from 'node:assert/strict';

type Facts = Readonly<Record<string, string>>;

const linesOf = (facts: Facts): readonly string[] =>
  Object.entries(facts).flatMap(([path, fact]) => fact.split('\n').map((line, at) => `${path}:${at} ${line}`));

/** Fails with the lines that only one of two roots has. */
export function assertSameFacts(ours: Facts, theirs: Facts): void {
  const [left, right] = [new Set(linesOf(ours)), new Set(linesOf(theirs))];
  const only = (one: ReadonlySet<string>, other: ReadonlySet<string>) => [...one].filter((line) => !other.has(line));
  assert.deepEqual({ ours: only(left, right), theirs: only(right, left) }, { ours: [], theirs: [] });
}
