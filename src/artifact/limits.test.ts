import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { type Descriptor, type Digest, digestOf } from '../oci/index.ts';
import { discoverReferrers } from './discover.ts';
import { saveFile } from './save-file.ts';
import type { ArtifactRepository } from './types.ts';

test('a blob longer than its manifest says is not kept', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'artifact-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  const content = Readable.from([Buffer.alloc(10), Buffer.alloc(10)]);
  await assert.rejects(
    () => saveFile(root, 'file', content, 15),
    (error) => isHeraklitError(error, 'ARTIFACT_TOO_LARGE'),
  );
  assert.deepEqual(await readdir(root), []);
});

/** A repository in which everything is referred to by `width` others. */
function endless(width: number): ArtifactRepository {
  const refuse = async (): Promise<never> => assert.fail('only referrers are asked for');
  let made = 0;
  const referrer = (): Descriptor => {
    made += 1;
    return {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(Buffer.from(`${made}`)),
      size: 1,
    };
  };
  return {
    where: 'endless',
    manifest: refuse,
    blob: refuse,
    pushBlob: refuse,
    pushManifest: refuse,
    referrers: async () => Array.from({ length: width }, referrer),
    close() {},
  };
}

test('referrers are followed to a depth, and not without end', async () => {
  const subject: Digest = digestOf(Buffer.from('subject'));
  const [first] = await discoverReferrers(endless(1), subject, { depth: 3 });
  assert.equal(first?.referrers[0]?.referrers[0]?.referrers.length, 0);
  await assert.rejects(
    () => discoverReferrers(endless(4), subject),
    (error) => isHeraklitError(error, 'ARTIFACT_TOO_LARGE'),
  );
});
