import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { readAr } from './ar.ts';

const member = (name: string, content: string): string =>
  `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n${content}${content.length % 2 === 1 ? '\n' : ''}`;
const archive = (...members: readonly string[]): Buffer => Buffer.from(`!<arch>\n${members.join('')}`);
const read = (bytes: Buffer) => readAr(bytes).map(({ name, content }) => [name, String(content)]);

test('plain, GNU and BSD names are read', () => {
  const bytes = archive(
    member('debian-binary', '2.0\n'),
    member('//', 'a-name-longer-than-sixteen/\n'),
    member('/0', 'long'),
    member('control.tar/', 'odd'),
    member('#1/4', 'nameBSD'),
  );
  assert.deepEqual(read(bytes), [
    ['debian-binary', '2.0\n'],
    ['a-name-longer-than-sixteen', 'long'],
    ['control.tar', 'odd'],
    ['name', 'BSD'],
  ]);
});

test('an archive cut anywhere is refused or has fewer members', () => {
  const bytes = archive(member('a', 'xy'), member('b', 'zzzz'));
  for (let length = 0; length < bytes.length; length += 1) {
    try {
      assert.ok(readAr(bytes.subarray(0, length)).length < 2, String(length));
    } catch (error) {
      assert.ok(isHeraklitError(error, 'ARCHIVE_CORRUPT'), String(error));
    }
  }
});

test('hostile archives are refused with a code', () => {
  const refused = (bytes: Buffer): void => {
    assert.throws(
      () => readAr(bytes),
      (error) => isHeraklitError(error, 'ARCHIVE_CORRUPT'),
    );
  };
  refused(Buffer.from('PK'));
  refused(archive(member('/99', 'x')));
  refused(archive(member('#1/99', 'x')));
  refused(Buffer.from(archive(member('a', 'x')).toString().replace('1         `', '-1        `')));
  refused(Buffer.from(archive(member('a', 'x')).toString().replace('1         `', '9999999999`')));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        readAr(Buffer.concat([Buffer.from('!<arch>\n'), Buffer.from(bytes)]));
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});

test('too many members are over the limit', () => {
  const bytes = Buffer.concat([Buffer.from('!<arch>\n'), Buffer.from(member('a', '').repeat(100_001))]);
  assert.throws(
    () => readAr(bytes),
    (error) => isHeraklitError(error, 'ARCHIVE_LIMIT'),
  );
});
