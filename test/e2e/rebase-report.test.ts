/** What `heraklit rebase` says of what it did: a file, an annotation, and a statement that refers to the image. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { serialize } from '../../src/oci/index.ts';
import { assertRefused, openCli } from '../support/cli.ts';
import { rawLayer, saveRawImage } from '../support/hostile-image.ts';

test('the report is written, also of a refusal; its digest stands on the image and the statement refers to it', async (context) => {
  const cli = await openCli(context);
  const images = join(cli.root, 'images');
  const base = (content: string) => rawLayer([{ name: 'etc/app.conf', content }]);
  await saveRawImage(images, 'old', [base('a\nb\nc\n')]);
  await saveRawImage(images, 'new', [base('a\nb\nc\nd\n')]);
  await saveRawImage(images, 'app', [
    base('a\nb\nc\n'),
    rawLayer([{ name: 'etc/app.conf', content: 'a\nb\nc\nmine\n' }]),
  ]);
  await saveRawImage(images, 'bad', [base('a\nb\nc\n'), rawLayer([{ name: 'etc/app.conf', content: 'a\n' }])]);
  const rebase = (name: string) => {
    const bases = ['--from', 'oci:images:old', '--onto', 'oci:images:new'];
    return cli.run(['rebase', `oci:images:${name}`, ...bases, '-o', `oci:out:${name}`, '--report', `${name}.json`]);
  };
  const report = async (name: string) => JSON.parse(await readFile(join(cli.root, `${name}.json`), 'utf8'));

  assertRefused(await rebase('bad'), { code: 'REBASE_REFUSED', says: ['/etc/app.conf', 'Build it anew'] });
  assert.deepEqual(await report('bad').then(({ safe, conflicts }) => [safe, conflicts[0].kind]), [false, 'entry']);

  const ended = await rebase('app');
  assert.equal(ended.code, 0, ended.stderr);
  const written = await report('app');
  assert.deepEqual([written.safe, written.merged], [true, ['etc/app.conf']]);
  const index = JSON.parse(await readFile(join(cli.root, 'out', 'index.json'), 'utf8'));
  const blob = async (digest: string) =>
    JSON.parse(await readFile(join(cli.root, 'out', 'blobs', ...digest.split(':')), 'utf8'));
  const manifests = await Promise.all(index.manifests.map(({ digest }: { digest: string }) => blob(digest)));
  const image = manifests.find(({ subject }) => subject === undefined);
  const sum = createHash('sha256').update(serialize(written)).digest('hex');
  assert.equal(image.annotations['io.heraklit.rebase.report.digest'], `sha256:${sum}`);
  assert.match(image.annotations['io.heraklit.rebase.summary'], /files merged: 1;/);
  const attached = manifests.find(({ subject }) => subject !== undefined);
  assert.equal(attached.artifactType, 'application/vnd.in-toto+json');
  const statement = await blob(attached.layers[0].digest);
  assert.equal(statement.predicateType, 'https://heraklit.io/attestation/rebase-report/v1');
  assert.equal(`sha256:${statement.subject[0].digest.sha256}`, attached.subject.digest);
  assert.deepEqual(statement.predicate.report, written);
  const scanned = await cli.run(['layers', 'oci:out']);
  assert.equal(scanned.code, 0, 'the statement does not make the layout ambiguous');
});
