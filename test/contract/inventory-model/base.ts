import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Database } from '../../../src/database/index.ts';
import { recogniseBase, recordImages } from '../../../src/inventory/store/index.ts';
import { digestOf } from '../../../src/oci/index.ts';
import { type FleetImage, fleetOf, START } from './random-fleet.ts';

const NAMES = [0, 1, 2, 3, 4, 5];
const pairs = (version: (name: number) => number | undefined, names = NAMES) =>
  names.flatMap((name) => {
    const at = version(name);
    return at === undefined ? [] : [[name, at] as [number, number]];
  });

/** Stacks of layers, each named image-0, image-1, … */
function imagesOf(id: string, layers: readonly (readonly [number, number][])[], stacks: readonly number[][]) {
  const events = stacks.map((_, stack) => ({ stack, distribution: 0, reference: stack, sameTime: false }));
  return fleetOf({ layers, stacks, events }, id);
}

/** What an image stands on: said, found by layers, or guessed by packages, and never more than guessed then. */
export function baseContract(name: string, open: () => Promise<Database>): void {
  describe(`what an image stands on: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());
    const record = (images: readonly FleetImage[]) => database.transaction((trx) => recordImages(trx, images));

    test('by its layers, also where the base is recorded later; what it says itself is believed', async () => {
      const id = randomUUID().slice(0, 8);
      const images = imagesOf(id, [pairs(() => 1), pairs(() => 2, [5])], [[0], [0, 1]]);
      const [base, child] = images as [FleetImage, FleetImage];
      await record([child]);
      assert.equal(await recogniseBase(database.kysely, child.digest), undefined);
      await record([base]);
      assert.deepEqual(await recogniseBase(database.kysely, child.digest), {
        kind: 'known',
        evidence: 'layers',
        digest: base.digest,
        reference: base.reference,
      });
      const said = digestOf(`${id} said`);
      const annotations = { 'org.opencontainers.image.base.digest': said };
      const other = { ...child, digest: digestOf(`${id} other`), contents: { ...child.contents, annotations } };
      await record([other]);
      assert.deepEqual(await recogniseBase(database.kysely, other.digest), {
        kind: 'known',
        evidence: 'annotation',
        digest: said,
        reference: undefined,
      });
      assert.equal(await recogniseBase(database.kysely, said), undefined);
    });

    test('else by the largest base whose packages it has, as a guess with a score that is recorded nowhere', async () => {
      const id = randomUUID().slice(0, 8);
      const layers = [
        pairs((at) => (at < 2 ? 1 : undefined)),
        pairs((at) => (at < 5 ? 1 : undefined)),
        // All in one layer, as squashed images and such of other builders are: one package newer.
        pairs((at) => (at === 4 ? 2 : 1)),
        pairs((at) => (at < 5 ? 3 : undefined)),
      ];
      const images = imagesOf(id, layers, [[0], [1], [2], [3]]);
      const [small, large, squashed, stranger] = images as [FleetImage, FleetImage, FleetImage, FleetImage];
      await record(images);
      assert.deepEqual(await recogniseBase(database.kysely, squashed.digest), {
        kind: 'probable',
        evidence: 'packages',
        digest: large.digest,
        reference: large.reference,
        score: 0.9,
        same: 4,
        named: 5,
        packages: 5,
      });
      const guess = await recogniseBase(database.kysely, large.digest);
      assert.deepEqual([guess?.digest, guess?.kind === 'probable' && guess.score], [small.digest, 1]);
      assert.equal(await recogniseBase(database.kysely, stranger.digest), undefined, 'no version is the same');
      const recorded = await database.kysely
        .selectFrom('image')
        .select(['base_digest', 'base_evidence'])
        .where('digest', 'in', [squashed.digest, large.digest])
        .execute();
      assert.ok(recorded.every((row) => row.base_digest === null && row.base_evidence === null));
      assert.ok(images.every(({ now }) => now.getTime() >= START));
    });
  });
}
