import assert from 'node:assert/strict';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { isElf, type KeptParts, NeededStream, readNeeded } from './index.ts';

const MAX_BYTES = 4_000_000;

/** Programs and libraries of this machine, a few of each. */
function samples(): readonly Buffer[] {
  const folders = ['/usr/bin', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/lib64'];
  return folders.flatMap((folder) => {
    try {
      const files = readdirSync(folder).map((name) => join(folder, name));
      return files
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() && statSync(file).size < MAX_BYTES)
        .slice(0, 120)
        .map((file) => readFileSync(realpathSync(file)))
        .filter((bytes) => isElf(bytes));
    } catch {
      return [];
    }
  });
}
const files = samples();

function streamed(bytes: Buffer, step: number, kept?: KeptParts): readonly string[] | undefined {
  const stream = new NeededStream(bytes.length, kept);
  for (let at = 0; at < bytes.length; at += step) stream.write(bytes.subarray(at, at + step));
  return stream.end();
}

test('the same libraries as from the whole file, in whatever chunks it comes', (context) => {
  if (files.length === 0) return context.skip('no programs to look at');
  for (const [at, bytes] of files.entries()) {
    const whole = readNeeded(bytes);
    for (const step of [1 << 20, 4096 + at, 512]) assert.deepEqual(streamed(bytes, step), whole);
  }
});

test('with parts of the file alone, the answer is right or not known', (context) => {
  if (files.length === 0) return context.skip('no programs to look at');
  let [known, unknown] = [0, 0];
  for (const bytes of files) {
    const whole = readNeeded(bytes);
    for (const head of [2048, 8192, 65_536]) {
      const found = streamed(bytes, 1000, { head, tail: 4096 });
      if (found === undefined) unknown += 1;
      else {
        assert.deepEqual(found, whole);
        known += 1;
      }
    }
  }
  assert.ok(known > 0 && unknown > 0, `${known} known, ${unknown} not`);
});

test('a program that grew after it was linked: new strings at its end are found', (context) => {
  const bytes = files.find((one) => readNeeded(one).length > 0);
  if (bytes === undefined) return context.skip('no programs to look at');
  const padded = Buffer.concat([bytes, Buffer.alloc(3_000_000)]);
  assert.deepEqual(streamed(padded, 60_000, { head: bytes.length, tail: 4096 }), readNeeded(bytes));
});

test('any bytes give libraries, nothing, or a coded error', () => {
  const sample = files[0] ?? Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const damaged = fc
    .tuple(fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 20 }), fc.nat(sample.length))
    .map(([changes, end]) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of changes) bytes[at % 1024] = value;
      return bytes.subarray(0, end);
    });
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }).map(Buffer.from), damaged),
      fc.integer({ min: 1, max: 9000 }),
      (bytes, step) => {
        try {
          streamed(bytes, step, { head: 4096, tail: 100 });
        } catch (error) {
          assert.ok(isHeraklitError(error, 'ELF_INVALID', 'ELF_LIMIT'), String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});
