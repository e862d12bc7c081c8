import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { fromBufferPromise } from 'yauzl';
import { bufferSource, readZipDirectory, readZipEntry } from '../../src/archive/index.ts';
import { readFiles } from '../../src/language/testing/read-files.ts';
import { debianPrograms } from '../support/debian-programs.ts';

const root = debianPrograms()?.bookworm;
const filesIn = (folder: string) => readdirSync(folder, { recursive: true, withFileTypes: true });

test('what yauzl reads in jars, we read', async (context) => {
  if (root === undefined) return context.skip('jars of Debian not fetched (test/support/debian-programs.ts)');
  const jars = filesIn(join(root, 'usr/share')).filter((entry) => entry.isFile() && entry.name.endsWith('.jar'));
  assert.ok(jars.length >= 4);
  for (const { parentPath, name } of jars) {
    const bytes = readFileSync(join(parentPath, name));
    const source = bufferSource(bytes);
    const ours = readZipDirectory(source);
    const theirs = await fromBufferPromise(bytes);
    let at = 0;
    for await (const entry of theirs.eachEntry()) {
      const own = ours[at];
      assert.ok(own !== undefined);
      assert.deepEqual([own.name, own.bytes, own.crc32], [entry.fileName, entry.uncompressedSize, entry.crc32]);
      const content = await buffer(await theirs.openReadStreamPromise(entry));
      assert.ok(readZipEntry(source, own, 1e8).equals(content), entry.fileName);
      at += 1;
    }
    assert.equal(at, ours.length);
  }
});

/** Debian's Maven repository: GROUP/ARTIFACT/VERSION/FILE, links to the jars. */
test('artifacts of Debian’s jars are those of its Maven repository', async (context) => {
  if (root === undefined) return context.skip('jars of Debian not fetched (test/support/debian-programs.ts)');
  const repository = join(root, 'usr/share/maven-repo');
  let compared = 0;
  for (const { parentPath, name } of filesIn(repository)) {
    if (!name.endsWith('.jar')) continue;
    const [version = '', artifact = '', ...group] = parentPath
      .slice(repository.length + 1)
      .split('/')
      .reverse();
    // Debian's own names for whatever version is there.
    if (version === 'debian' || version.endsWith('.x')) continue;
    const target = readlinkSync(join(parentPath, name));
    const bytes = readFileSync(join(parentPath, target));
    const [finding] = await readFiles({ [`usr/share/java/${artifact}-${version}.jar`]: bytes });
    const [own] = finding?.packages ?? [];
    const expected = `${group.reverse().join('.')}:${artifact}`;
    assert.equal(own?.version, version, name);
    // Without a descriptor, the group may be unknown; it is never a wrong one.
    assert.ok(own?.name === expected || (own?.guessed && own.name === artifact), `${own?.name} for ${expected}`);
    compared += 1;
  }
  assert.ok(compared >= 4, `${compared} compared`);
});
