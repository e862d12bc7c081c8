import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutTwin, withTwin } from './split-gateway.ts';

const ref = fc.record(
  { name: fc.constantFrom('web', 'other', 'third'), weight: fc.integer({ min: 0, max: 10_000 }) },
  { noNullPrototype: true },
);
const rule = fc
  .uniqueArray(ref, { selector: ({ name }) => name, minLength: 1 })
  .filter((refs) => refs.some(({ name }) => name === 'web'));
const weight = fc.integer({ min: 0, max: 100 });

test('any share, any number of times, and back: the rule is what it was', () => {
  fc.assert(
    fc.property(rule, fc.array(weight, { minLength: 1 }), (refs, weights) => {
      const shared = weights.reduce<ReturnType<typeof withTwin>>((at, one) => withTwin(at, 'web', 'twin', one), refs);
      assert.deepEqual(withoutTwin(shared, 'web', 'twin'), refs);
    }),
  );
});

test('the twin gets exactly its per cent of what the Service had; weights stay within what a route allows', () => {
  fc.assert(
    fc.property(rule, weight, (refs, share) => {
      const shared = withTwin(refs, 'web', 'twin', share);
      const of = (name: string): number => shared.find((one) => one.name === name)?.weight ?? 0;
      assert.equal(of('twin') * (100 - share), of('web') * share);
      for (const one of shared) assert.ok((one.weight ?? 0) <= 1_000_000);
    }),
  );
});

test('a backend of another kind or namespace is not the Service', () => {
  const refs = [
    { name: 'web', kind: 'Function', weight: 1 },
    { name: 'web', namespace: 'elsewhere', weight: 1 },
  ];
  assert.ok(!withTwin(refs, 'web', 'twin', 50).some(({ name }) => name === 'twin'));
});
