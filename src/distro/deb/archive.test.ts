import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { createTarWriter } from '../../archive/index.ts';
import { isHeraklitError } from '../../base/index.ts';
import { openDeb } from './archive.ts';

const CONTROL = 'Package: a\nVersion: 1\nArchitecture: all\n';

function tar(files: Readonly<Record<string, string>>): Buffer {
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const [path, content] of Object.entries(files)) {
    const header = { path, type: 'file', mode: 0o755, uid: 0, gid: 0, size: content.length, mtime: 1 } as const;
    writer.add(header, Buffer.from(content));
  }
  writer.finish();
  return Buffer.concat(chunks);
}

const ar = (members: readonly (readonly [string, Buffer])[]): Buffer =>
  Buffer.concat([
    Buffer.from('!<arch>\n'),
    ...members.flatMap(([name, content]) => [
      Buffer.from(
        `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
      ),
      content,
      Buffer.alloc(content.length % 2, '\n'),
    ]),
  ]);

const VERSION = ['debian-binary', Buffer.from('2.0\n')] as const;
const GOOD = ar([
  VERSION,
  ['_extra', Buffer.from('x')],
  ['control.tar.gz', gzipSync(tar({ control: CONTROL, postinst: '#!/bin/sh\n' }))],
  ['data.tar.zst', zstdCompressSync(tar({ 'usr/bin/a': 'hello' }))],
]);

const isInvalid = (error: unknown): boolean =>
  isHeraklitError(error, 'DISTRO_PACKAGE_INVALID') && error.message.includes('a.deb');

test('control files, modes and data of a package', async () => {
  const deb = await openDeb(GOOD, 'a.deb');
  assert.deepEqual([...deb.control.keys()], ['control', 'postinst']);
  assert.equal(deb.controlModes.get('postinst'), 0o755);
  assert.equal(deb.controlStanza.get('Package'), 'a');
  assert.deepEqual(
    [...(await deb.data())].map((entry) => [entry.path, entry.content.toString()]),
    [['usr/bin/a', 'hello']],
  );
});

test('what is no package is refused', async () => {
  const control = ['control.tar', tar({ control: CONTROL })] as const;
  const data = ['data.tar', tar({})] as const;
  await openDeb(ar([VERSION, control, data]), 'a.deb');
  for (const [why, bytes] of [
    ['empty', Buffer.alloc(0)],
    ['another version', ar([['debian-binary', Buffer.from('3.0\n')], control, data])],
    ['members in the wrong order', ar([VERSION, data, control])],
    ['no data', ar([VERSION, control])],
    ['no control file', ar([VERSION, ['control.tar', tar({ postinst: '' })], data])],
    ['no version', ar([VERSION, ['control.tar', tar({ control: 'Package: a\n' })], data])],
    ['broken control file', ar([VERSION, ['control.tar', tar({ control: 'nonsense\n' })], data])],
  ] as const) {
    await assert.rejects(openDeb(bytes, 'a.deb'), isInvalid, why);
  }
});

test('a data archive that escapes its root is refused', async () => {
  const evil = tar({ 'zzz/zzz/evil': 'x' });
  const patched = Buffer.from(evil.toString('latin1').replace('zzz/zzz/', '../../..'), 'latin1');
  // The header checksum is made right again, so that the path alone decides.
  patched.fill(' ', 148, 156);
  const sum = patched.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  patched.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const deb = await openDeb(ar([VERSION, ['control.tar', tar({ control: CONTROL })], ['data.tar', patched]]), 'a.deb');
  await assert.rejects(async () => [...(await deb.data())], isInvalid);
});

test('cut anywhere or changed anywhere: the same content or a coded error, never a crash', async () => {
  const read = async (bytes: Buffer): Promise<void> => {
    try {
      for (const entry of await (await openDeb(bytes, 'a.deb')).data()) entry.content.toString();
    } catch (error) {
      assert.ok(isInvalid(error), String(error));
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(GOOD.length - 1), fc.nat(255), async (at, byte) => {
      await read(GOOD.subarray(0, at));
      const changed = Buffer.from(GOOD);
      changed[at] = byte;
      await read(changed);
    }),
    { numRuns: 200 },
  );
});
