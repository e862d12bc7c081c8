import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../../src/database/index.ts';
import { globMatches } from '../../../src/inventory/index.ts';
import {
  filesUnread,
  type RecordImage,
  recordImages,
  recordLibraryNames,
  type WhereFileQuery,
  whereFile,
} from '../../../src/inventory/store/index.ts';
import { type Digest, digestOf, type FlatTree, flattenLayers, type LayerIndex } from '../../../src/oci/index.ts';

const PATHS = ['bin/a', 'bin/b', 'bin', 'lib/x.so', 'lib/d/x.so', 'lib/d', 'lib', 'etc/c', 'opt/app', 'opt', 'note'];
const ENTRY = fc.record({
  path: fc.constantFrom(...PATHS),
  type: fc.constantFrom('file' as const, 'file' as const, 'file' as const, 'directory' as const, 'symlink' as const),
  mode: fc.constantFrom(0o644, 0o755),
  content: fc.nat(2),
});
const LAYER = fc.record({
  entries: fc.uniqueArray(ENTRY, { maxLength: 6, selector: ({ path }) => path }),
  whiteouts: fc.subarray(PATHS, { maxLength: 2 }),
  opaques: fc.subarray(['', 'bin', 'lib', 'lib/d', 'opt'], { maxLength: 1 }),
  hashed: fc.boolean(),
});
const FLEET = fc.record({
  layers: fc.array(LAYER, { minLength: 1, maxLength: 5 }),
  stacks: fc.array(fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
});

interface ModelImage {
  readonly record: RecordImage;
  readonly tree: FlatTree;
  readonly indexes: readonly LayerIndex[];
}

/** Paths stand below a folder of the test's own, so that several live in one database. */
function imagesOf(
  { layers, stacks }: typeof FLEET extends fc.Arbitrary<infer T> ? T : never,
  id: string,
): readonly ModelImage[] {
  const below = (path: string): string => (path === '' ? id : `${id}/${path}`);
  const indexes = layers.map(
    ({ entries, whiteouts, opaques, hashed }, at): LayerIndex => ({
      diffId: digestOf(`${id} ${at}`),
      entries: entries.map(({ path, type, mode, content }) => ({
        path: below(path),
        type,
        mode,
        uid: 0,
        gid: 0,
        size: 1,
        mtime: 0,
        ...(type === 'symlink' ? { linkName: 'elsewhere' } : {}),
        ...(type === 'file' && hashed ? { sha256: digestOf(`${id} content ${content}`).slice(7) } : {}),
      })),
      whiteouts: whiteouts.map(below),
      opaques: opaques.map(below),
      bytes: 1,
    }),
  );
  return stacks.map((stack, at): ModelImage => {
    const own = stack.map((place) => indexes[place % indexes.length] as LayerIndex);
    const record: RecordImage = {
      digest: digestOf(`${id} image ${at}`),
      reference: `${id}/image-${at}:1`,
      now: new Date('2026-03-01T00:00:00Z'),
      contents: {
        distribution: undefined,
        architecture: 'amd64',
        ecosystem: undefined,
        packages: [],
        languagePackages: [],
        layers: own.map(({ diffId }) => ({
          diffId,
          digest: diffId,
          compressedBytes: 1,
          bytes: 1,
          entries: 1,
          packages: { added: [], changed: [], removed: [] },
          wastedBytes: 0,
          createdBy: undefined,
        })),
        indexes: own,
        annotations: {},
        config: undefined,
        incomplete: [],
      },
    };
    return { record, tree: flattenLayers(own), indexes: own };
  });
}

interface Found {
  readonly path: string;
  readonly reference: string | undefined;
  readonly layer: string | undefined;
}

/** A path is told of images in whose stack some layer makes it notable. */
function isNotable(path: string, image: ModelImage): boolean {
  return image.indexes.some((index) => {
    const entry = flattenLayers([{ ...index, whiteouts: [], opaques: [] }]).get(path)?.entry;
    if (entry === undefined || entry.type === 'directory') return false;
    return /\/bin\/[^/]+$|\.so$/.test(path) || (entry.type === 'file' && entry.mode === 0o755);
  });
}

function expected(images: readonly ModelImage[], fits: (path: string, image: ModelImage) => boolean): readonly Found[] {
  return images
    .flatMap((image) =>
      [...image.tree].flatMap(([path, { entry, layer }]): Found[] => {
        if (entry.type === 'directory' || !isNotable(path, image) || !fits(path, image)) return [];
        return [{ path: `/${path}`, reference: image.record.reference, layer: image.indexes[layer]?.diffId }];
      }),
    )
    .sort(byText);
}

/** What an ELF reader would name: what the layer's archive has in the end. */
const librariesOf = (index: LayerIndex) =>
  [...flattenLayers([index]).values()]
    .map(({ entry }) => entry)
    .filter(({ path, type }) => path.endsWith('.so') && type === 'file');

const byText = (a: Found, b: Found): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

async function everyPage(database: Database, query: WhereFileQuery): Promise<readonly Found[]> {
  const rows: Found[] = [];
  for (let after: string | undefined; ; ) {
    const page = await whereFile(database.kysely, after === undefined ? query : { ...query, after });
    rows.push(...page.rows.map(({ path, reference, layer }) => ({ path, reference, layer })));
    if (page.next === undefined) return rows.sort(byText);
    after = page.next;
  }
}

export function filesContract(name: string, open: () => Promise<Database>): void {
  describe(`files of a fleet: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());

    test('a file is found where the flattened image shows it, by path, name, glob, SONAME and content', async () => {
      await fc.assert(
        fc.asyncProperty(FLEET, fc.integer({ min: 1, max: 4 }), async (fleet, limit) => {
          const id = `t${randomUUID().slice(0, 8)}`;
          const images = imagesOf(fleet, id);
          for (const { record } of images) await database.transaction((trx) => recordImages(trx, [record]));
          for (const path of PATHS) {
            const wanted = `${id}/${path}`;
            const got = await everyPage(database, { file: { kind: 'path', path: `/${wanted}` }, limit });
            assert.deepEqual(
              got,
              expected(images, (one) => one === wanted),
            );
          }
          const imageGlob = `${id}/*`;
          const bin = await everyPage(database, { file: { kind: 'path', path: `/${id}/b*/?` }, imageGlob, limit });
          assert.deepEqual(
            bin,
            expected(images, (path) => globMatches(`${id}/b*/?`, path)),
          );
          const named = await everyPage(database, { file: { kind: 'path', path: 'x.so' }, imageGlob, limit });
          assert.deepEqual(
            named,
            expected(images, (path) => path.endsWith('/x.so')),
          );
          for (const [at, index] of [...new Set(images.flatMap(({ indexes }) => indexes))].entries()) {
            const libraries = librariesOf(index);
            await database.transaction((trx) =>
              recordLibraryNames(
                trx,
                index.diffId,
                libraries.map(({ path }) => ({ path, soname: `${id}.so.${at % 2}` })),
              ),
            );
          }
          const layers = [...new Set(images.flatMap(({ indexes }) => indexes))];
          for (const number of [0, 1]) {
            const got = await everyPage(database, { file: { kind: 'soname', soname: `${id}.so.${number}` }, limit });
            const want = expected(images, (path, image) => {
              const flat = image.tree.get(path);
              const index = image.indexes[flat?.layer ?? -1] as LayerIndex;
              const known = librariesOf(index).some((one) => one.path === path);
              return known && layers.indexOf(index) % 2 === number;
            });
            assert.deepEqual(got, want);
          }
          for (const number of [0, 1, 2]) {
            const sha256 = digestOf(`${id} content ${number}`).slice(7);
            const got = await everyPage(database, { file: { kind: 'content', sha256 }, limit });
            const want = expected(images, (path, image) => image.tree.get(path)?.entry.sha256 === sha256);
            assert.deepEqual(got, want);
          }
        }),
        { numRuns: 12, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });

    test('a glob that fits more paths than one question may have is refused', async () => {
      const folder = `many-${randomUUID()}`;
      await database.raw.query(`insert into file_folder (path) values ('${folder}')`);
      await database.raw.query(`insert into file_path (folder, name)
        select id, 'n' || number from file_folder, generate_series(0, 20000) number where path = '${folder}'`);
      await assert.rejects(whereFile(database.kysely, { file: { kind: 'path', path: `/${folder}/*` } }), {
        code: 'INVENTORY_TOO_MANY_PATHS',
      });
      assert.deepEqual((await whereFile(database.kysely, { file: { kind: 'path', path: `/${folder}/n7` } })).rows, []);
    });

    test('says which layers were never read', async () => {
      const id = randomUUID();
      const [image] = imagesOf(
        { layers: [{ entries: [], whiteouts: [], opaques: [], hashed: false }], stacks: [[0]] },
        id,
      );
      const { indexes, ...contents } = (image as ModelImage).record.contents;
      assert.notEqual(indexes, undefined);
      const before = await filesUnread(database.kysely);
      await database.transaction((trx) => recordImages(trx, [{ ...(image as ModelImage).record, contents }]));
      const after = await filesUnread(database.kysely);
      assert.equal(after.images, before.images + 1);
      assert.equal(after.unhashedLayers, before.unhashedLayers + 1);
      assert.equal(after.layersWithoutNames, before.layersWithoutNames + 1);
      await database.transaction((trx) => recordLibraryNames(trx, digestOf(`${id} 0`) as Digest, []));
      assert.equal((await filesUnread(database.kysely)).layersWithoutNames, before.layersWithoutNames);
    });
  });
}
