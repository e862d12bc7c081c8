import assert from 'node:assert/strict';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { isElf, type LinkFacts, LinkStream, readElf, readLinkFacts } from './index.ts';

const KEPT = { head: 8 * 1024 * 1024, tail: 256 * 1024, sparing: true } as const;

function samples(): readonly Buffer[] {
  const folders = ['/usr/bin', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/lib64'];
  return folders.flatMap((folder) => {
    try {
      const found = readdirSync(folder).map((name) => join(folder, name));
      return found
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() && statSync(file).size < 4_000_000)
        .slice(0, 120)
        .concat(join(folder, 'libc.so.6'))
        .map((file) => readFileSync(realpathSync(file)))
        .filter((bytes) => isElf(bytes));
    } catch {
      return [];
    }
  });
}
const files = samples();

function streamed(bytes: Buffer, step: number): LinkFacts | 'none' | 'unknown' {
  const stream = new LinkStream(bytes.length, KEPT);
  for (let at = 0; at < bytes.length; at += step) {
    const chunk = Buffer.from(bytes.subarray(at, at + step));
    stream.write(chunk);
    chunk.fill(0xee);
  }
  return stream.end();
}

test('a file in chunks tells what the whole file tells, and what all of it read tells', (context) => {
  if (files.length === 0) return context.skip('no programs to look at');
  for (const [at, bytes] of files.entries()) {
    const facts = readLinkFacts(bytes);
    const { class: bits, machine, soname, needed, rpath, runpath, interpreter } = readElf(bytes);
    assert.deepEqual(
      [facts.class, facts.machine, facts.soname, facts.needed ?? [], facts.rpath ?? [], facts.runpath ?? []],
      [bits, machine, soname, needed, rpath, runpath],
    );
    assert.equal(facts.interpreter, interpreter);
    for (const step of [bytes.length, 65_536, 4096 + at, 700]) assert.deepEqual(streamed(bytes, step), facts);
  }
});

test('no ELF file tells nothing', () => {
  assert.equal(streamed(Buffer.from('#!/bin/sh\n'), 100), 'none');
  assert.equal(streamed(Buffer.alloc(100_000, 'x'), 1000), 'none');
  assert.equal(streamed(Buffer.alloc(0), 1), 'none');
});

test('any bytes give facts, nothing, or a coded error', () => {
  const sample = files[0] ?? Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const damaged = fc
    .tuple(fc.array(fc.tuple(fc.nat(1023), fc.nat(255)), { maxLength: 20 }), fc.nat(sample.length))
    .map(([changes, end]) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, end);
    });
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array().map(Buffer.from), damaged),
      fc.integer({ min: 50, max: 9000 }),
      (bytes, step) => {
        try {
          streamed(bytes, step);
        } catch (error) {
          assert.ok(isHeraklitError(error), String(error));
        }
      },
    ),
  );
});
