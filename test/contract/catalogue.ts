import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Descriptor, type Digest, digestOf, MediaType } from '../../src/oci/index.ts';
import { type CatalogueEntry, type RegistryCatalogue, referrerWeight } from '../../src/registry/index.ts';

const entry = (repository: string, content: string, more: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  repository,
  descriptor: { mediaType: MediaType.manifest, digest: digestOf(content), size: content.length },
  blobs: [digestOf(`${content} layer`)],
  ...more,
});

/** What every catalogue promises. Tests share one catalogue and keep to repositories of their own. */
export function catalogueContract(
  name: string,
  open: () => Promise<{ catalogue: RegistryCatalogue; close(): Promise<void> }>,
): void {
  describe(`catalogue contract: ${name}`, () => {
    let catalogue: RegistryCatalogue;
    let close: () => Promise<void>;
    before(async () => {
      ({ catalogue, close } = await open());
    });
    after(() => close());

    test('a manifest resolves by tag and by digest, in its repository alone', async () => {
      const published = await catalogue.putManifest(entry('one/app', 'a', { tag: 'v1' }));
      assert.deepEqual(published, { repository: 'one/app', tag: 'v1', digest: digestOf('a'), previous: undefined });
      const wanted = { mediaType: MediaType.manifest, digest: digestOf('a'), size: 1 };
      assert.deepEqual(await catalogue.resolve('one/app', 'v1'), wanted);
      assert.deepEqual(await catalogue.resolve('one/app', digestOf('a')), wanted);
      assert.equal(await catalogue.resolve('one/other', digestOf('a')), undefined);
      assert.equal(await catalogue.resolve('one/app', 'v2'), undefined);
      assert.equal(await catalogue.resolve('one/app', digestOf('b')), undefined);
    });

    test('many lookups at once each get their own answer', async () => {
      await catalogue.publishMany(
        Array.from({ length: 700 }, (_, index) => entry(`many/${index % 7}`, `m${index}`, { tag: `t${index}` })),
      );
      const answers = await Promise.all(
        Array.from({ length: 1_400 }, (_, index) => catalogue.resolve(`many/${index % 7}`, `t${index}`)),
      );
      for (const [index, answer] of answers.entries()) {
        assert.equal(answer?.digest, index < 700 ? digestOf(`m${index}`) : undefined);
      }
    });

    test('a tag moves and says where it was; publishing again changes nothing', async () => {
      await catalogue.putManifest(entry('move/app', 'a', { tag: 'v1' }));
      const moved = await catalogue.putManifest(entry('move/app', 'b', { tag: 'v1' }));
      assert.equal(moved.previous, digestOf('a'));
      const again = await catalogue.putManifest(entry('move/app', 'b', { tag: 'v1' }));
      assert.equal(again.previous, digestOf('b'));
      assert.equal((await catalogue.resolve('move/app', 'v1'))?.digest, digestOf('b'));
      assert.ok(await catalogue.resolve('move/app', digestOf('a')), 'the old manifest stays');
    });

    test('a batch is one step: duplicates are fine, the later tag wins, a failing hook publishes nothing', async () => {
      await catalogue.publishMany([
        entry('batch/a', 'x', { tag: 'latest' }),
        entry('batch/a', 'x', { tag: 'v1' }),
        entry('batch/a', 'y', { tag: 'latest' }),
        entry('batch/b', 'x', { tag: 'latest' }),
      ]);
      assert.deepEqual(await catalogue.tags('batch/a', { n: 10 }), ['latest', 'v1']);
      assert.equal((await catalogue.resolve('batch/a', 'latest'))?.digest, digestOf('y'));
      assert.deepEqual(await catalogue.publishMany([]), []);
      const failing = catalogue.publishMany([entry('batch/c', 'z', { tag: 'v1' })], {
        within: async (published) => {
          assert.equal(published[0]?.digest, digestOf('z'));
          throw new Error('the event did not fit');
        },
      });
      await assert.rejects(failing, /did not fit/);
      assert.equal(await catalogue.resolve('batch/c', 'v1'), undefined);
      assert.equal(await catalogue.hasBlob('batch/c', digestOf('z layer')), false);
    });

    test('tags and repositories come in byte order, in pages', async () => {
      for (const tag of ['b', 'B', 'a', '_', '1', 'a-1', 'a.1']) {
        await catalogue.putManifest(entry('page/app', 'p', { tag }));
      }
      const all = ['1', 'B', '_', 'a', 'a-1', 'a.1', 'b'];
      assert.deepEqual(await catalogue.tags('page/app', { n: 100 }), all);
      assert.deepEqual(await catalogue.tags('page/app', { n: 2 }), all.slice(0, 2));
      assert.deepEqual(await catalogue.tags('page/app', { n: 3, last: 'B' }), all.slice(2, 5));
      assert.deepEqual(await catalogue.tags('page/app', { n: 3, last: 'zz' }), []);
      assert.deepEqual(await catalogue.tags('page/app', { n: 0 }), []);
      assert.equal(await catalogue.tags('page/none', { n: 10 }), undefined);
      await catalogue.putManifest(entry('page/untagged', 'p'));
      assert.deepEqual(await catalogue.tags('page/untagged', { n: 10 }), []);
      assert.deepEqual(await catalogue.repositories({ n: 2, last: 'page' }), ['page/app', 'page/untagged']);
    });

    test('deleting a tag keeps the manifest; deleting the manifest takes its tags', async () => {
      await catalogue.putManifest(entry('delete/app', 'a', { tag: 'v1' }));
      await catalogue.putManifest(entry('delete/app', 'a', { tag: 'v2' }));
      assert.equal(await catalogue.deleteTag('delete/app', 'v1'), true);
      assert.equal(await catalogue.deleteTag('delete/app', 'v1'), false);
      assert.ok(await catalogue.resolve('delete/app', digestOf('a')));
      assert.equal(await catalogue.deleteManifest('delete/app', digestOf('a')), true);
      assert.equal(await catalogue.deleteManifest('delete/app', digestOf('a')), false);
      assert.equal(await catalogue.resolve('delete/app', 'v2'), undefined);
      assert.equal(await catalogue.deleteTag('delete/none', 'v1'), false);
    });

    test('blobs are linked to a repository by hand and by what its manifests name', async () => {
      const blob: Digest = digestOf('by hand');
      assert.equal(await catalogue.hasBlob('blob/app', blob), false);
      await catalogue.linkBlob('blob/app', blob);
      await catalogue.linkBlob('blob/app', blob);
      await catalogue.putManifest(entry('blob/app', 'a'));
      assert.ok(await catalogue.hasBlob('blob/app', blob));
      assert.ok(await catalogue.hasBlob('blob/app', digestOf('a layer')));
      assert.equal(await catalogue.hasBlob('blob/other', blob), false);
      const asked = [blob, digestOf('a'), digestOf('absent')];
      assert.deepEqual(await catalogue.missing('blob/app', asked), [digestOf('absent')]);
      assert.deepEqual(await catalogue.missing('blob/none', asked), asked);
      assert.deepEqual(await catalogue.missing('blob/app', []), []);
      const named = { mediaType: MediaType.layer, digest: digestOf('named'), size: 5 };
      await catalogue.putManifest(entry('blob/app', 'naming', { blobs: [named.digest], names: [named] }));
      assert.equal(await catalogue.unlinkBlob('blob/app', named.digest, 'named'), false);
      assert.ok(await catalogue.hasBlob('blob/app', named.digest));
      await catalogue.deleteManifest('blob/app', digestOf('naming'));
      assert.equal(await catalogue.unlinkBlob('blob/app', named.digest, 'named'), true);
      assert.equal(await catalogue.unlinkBlob('blob/app', blob), true);
      assert.equal(await catalogue.unlinkBlob('blob/app', blob), false);
    });

    test('referrers are listed by subject and artifact type, also before their subject is there', async () => {
      const subject = digestOf('subject');
      const signature = entry('refer/app', 'signature', { subject });
      await catalogue.putManifest({
        ...signature,
        descriptor: { ...signature.descriptor, artifactType: 'application/x-sig', annotations: { by: 'me' } },
      });
      const sbom = entry('refer/app', 'sbom', { subject });
      await catalogue.putManifest({ ...sbom, descriptor: { ...sbom.descriptor, artifactType: 'application/x-bom' } });
      assert.equal((await catalogue.referrers('refer/app', subject)).length, 2);
      assert.deepEqual(await catalogue.referrers('refer/app', subject, 'application/x-sig'), [
        {
          mediaType: MediaType.manifest,
          digest: digestOf('signature'),
          size: 9,
          artifactType: 'application/x-sig',
          annotations: { by: 'me' },
        },
      ]);
      assert.deepEqual(await catalogue.referrers('refer/other', subject), []);
    });

    test('referrers come in pages that end by number or by weight', async () => {
      const subject = digestOf('long subject');
      for (const name of ['a', 'b', 'c', 'd']) {
        const one = entry('weigh/app', name, { subject });
        const annotations = { pad: name.repeat(name === 'b' ? 5_000 : 10), é: '\u2028' };
        await catalogue.putManifest({ ...one, descriptor: { ...one.descriptor, annotations } });
      }
      const all = await catalogue.referrers('weigh/app', subject);
      const light = { n: 100, bytes: 1_000_000 };
      assert.deepEqual(await catalogue.referrers('weigh/app', subject, undefined, light), all);
      assert.deepEqual(await catalogue.referrers('weigh/app', subject, undefined, { ...light, n: 3 }), all.slice(0, 3));
      const last = all[1]?.digest as Digest;
      assert.deepEqual(await catalogue.referrers('weigh/app', subject, undefined, { ...light, last }), all.slice(2));
      for (const bytes of [0, 1_000, referrerWeight(all[0] as Descriptor), 6_000]) {
        let before = 0;
        const wanted = all.filter((descriptor) => {
          const fits = before <= bytes;
          before += referrerWeight(descriptor);
          return fits;
        });
        const found = await catalogue.referrers('weigh/app', subject, undefined, { n: 100, bytes });
        assert.deepEqual(found, wanted, `up to ${bytes}`);
      }
    });

    test('a conditional publication publishes all or nothing, and deletes what it named', async () => {
      const when = (wanted: Digest | undefined) => ({ when: (current: Digest | undefined) => current === wanted });
      await catalogue.publishMany([entry('when/app', 'a', { tag: 'v1' })], when(undefined));
      const both = [entry('when/app', 'b', { tag: 'v2' }), entry('when/app', 'b', { tag: 'v1' })];
      await assert.rejects(catalogue.publishMany(both, when(undefined)), { code: 'REGISTRY_PRECONDITION_FAILED' });
      assert.equal(await catalogue.resolve('when/app', digestOf('b')), undefined);
      await catalogue.publishMany([entry('when/app', 'b', { tag: 'v1' })], when(digestOf('a')));
      await catalogue.publishMany([entry('when/app', 'untagged')], when(digestOf('other')));
      const racing = await Promise.allSettled(
        ['c', 'd', 'e', 'f'].map((name) =>
          catalogue.publishMany([entry('when/app', name, { tag: 'new' })], when(undefined)),
        ),
      );
      assert.equal(racing.filter(({ status }) => status === 'fulfilled').length, 1, 'one of all who saw no such tag');
      assert.equal(await catalogue.deleteTag('when/app', 'v1', undefined, digestOf('a')), false);
      assert.equal(await catalogue.deleteTag('when/app', 'v1', undefined, digestOf('b')), true);
    });

    test('repositories that serve a blob are found by its digest', async () => {
      const blob = digestOf('shared by some');
      for (const name of ['find/b', 'find/a', 'find/c']) await catalogue.linkBlob(name, blob);
      assert.deepEqual(await catalogue.repositoriesWith(blob, 2), ['find/a', 'find/b']);
      assert.deepEqual(await catalogue.repositoriesWith(digestOf('by none'), 2), []);
    });
  });
}
