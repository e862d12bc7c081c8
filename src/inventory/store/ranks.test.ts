import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { placeVersions, type RankedVersion } from './ranks.ts';

/** Equal by value, however spelled. */
const compare = (left: string, right: string): number => Number(left) - Number(right);

/** The table after each batch, as the store would keep it. */
function stored(before: readonly RankedVersion[], batch: readonly string[]): readonly RankedVersion[] {
  const { added, moved } = placeVersions(before, batch, compare);
  const kept = before.map(({ version, rank }) => ({ version, rank: moved.get(version) ?? rank }));
  const known = new Set(before.map(({ version }) => version));
  return [...kept, ...[...added].flatMap(([version, rank]) => (known.has(version) ? [] : [{ version, rank }]))];
}

const spelled = fc.tuple(fc.nat(60), fc.boolean()).map(([value, padded]) => (padded ? `0${value}` : `${value}`));

test('ranks keep the order of the format in whatever batches versions arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.array(spelled, { maxLength: 12 }), { maxLength: 8 }), fc.boolean(), (batches, dense) => {
      // As homes had it before: places counted from 1.
      let table: readonly RankedVersion[] = dense
        ? ['10', '20', '30', '030'].map((version, at) => ({ version, rank: Math.min(3, at + 1) }))
        : [];
      for (const batch of batches) {
        table = stored(table, batch);
        for (const a of table) {
          for (const b of table) assert.equal(Math.sign(a.rank - b.rank), Math.sign(compare(a.version, b.version)));
        }
      }
      const wanted = new Set([...batches.flat(), ...(dense ? ['10', '20', '30', '030'] : [])]);
      assert.deepEqual(new Set(table.map(({ version }) => version)), wanted);
    }),
  );
});

test('what comes last moves nobody, and between two neighbours all are given room again', () => {
  const old = [
    { version: '1', rank: 1 },
    { version: '2', rank: 2 },
  ];
  assert.deepEqual([...placeVersions(old, ['3'], compare).moved], []);
  const between = placeVersions(old, ['1.5'], compare);
  assert.deepEqual([...between.moved.keys()], ['1', '2']);
  const ranks = [between.moved.get('1'), between.added.get('1.5'), between.moved.get('2')] as number[];
  assert.ok((ranks[0] as number) < (ranks[1] as number) && (ranks[1] as number) < (ranks[2] as number));
  const high = [{ version: '1', rank: 2_147_483_647 }];
  assert.ok((placeVersions(high, ['2'], compare).added.get('2') as number) <= 2_147_483_647);
});
