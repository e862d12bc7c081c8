import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { buildProgram, Flag } from '../testing/build-program.ts';
import { readProgram } from '../testing/read-program.ts';
import { parseAudit } from './audit.ts';
import { mayBePackedJson } from './zlib-start.ts';

const LIST = {
  packages: [
    { name: 'adler', version: '0.2.3', source: 'crates.io' },
    { name: 'cc', version: '1.0.83', source: 'crates.io', kind: 'build' },
    { name: 'hello', version: '0.1.0', source: 'local', dependencies: [0, 1], root: true },
  ],
};

const noise = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7919 + (at >> 3)) % 251));

function program(packed: Buffer, before: number, after: number): Buffer {
  return buildProgram({
    parts: [
      { content: noise(5000), flags: Flag.code },
      { content: noise(3000), flags: Flag.variables },
    ],
    rest: Buffer.concat([noise(before), packed, noise(after)]),
  });
}

async function cratesOf(bytes: Buffer, step?: number): Promise<readonly string[]> {
  const findings = await readProgram('usr/bin/tool', bytes, step);
  return findings.flatMap(({ packages = [], problems = [] }) => [
    ...packages.map(({ name, version, dev, details }) =>
      [name, version, details?.source, ...(dev ? ['dev'] : [])].join(' '),
    ),
    ...problems,
  ]);
}

const EXPECTED = ['adler 0.2.3 crates.io', 'cc 1.0.83 crates.io dev', 'hello 0.1.0 local'];

test('crates of a program, at every level of compression, in whatever chunks it comes', async () => {
  const text = Buffer.from(JSON.stringify(LIST));
  for (let level = 1; level <= 9; level += 1) {
    const packed = deflateSync(text, { level });
    for (const [before, after, step] of [
      [0, 0, 1 << 20],
      [300, 5000, 1000],
      [70_000, 90_000, 65_536],
      [511, 1, 13],
    ]) {
      assert.deepEqual(await cratesOf(program(packed, before as number, after as number), step), EXPECTED);
    }
  }
});

test('texts of any size, and what their first bytes have in common', () => {
  const crate = fc.record({
    name: fc.string({ maxLength: 30 }),
    version: fc.string({ maxLength: 10 }),
    source: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(crate, { maxLength: 50 }), fc.integer({ min: -1, max: 9 }), (packages, level) => {
      const packed = Buffer.concat([deflateSync(JSON.stringify({ packages }), { level }), Buffer.alloc(12)]);
      assert.ok(mayBePackedJson(packed, 0));
      assert.equal(parseAudit(packed)?.length, packages.length);
    }),
  );
});

test('a list that is cut is said, and other compressed text is passed over', async () => {
  const many = {
    packages: Array.from({ length: 3000 }, (_, at) => ({
      name: `c${at * 7919}`,
      version: `${at}.0.0`,
      source: 'local',
    })),
  };
  const packed = deflateSync(JSON.stringify(many));
  assert.equal((await cratesOf(program(packed, 100, 100))).length, 3000);
  assert.deepEqual(await cratesOf(program(packed.subarray(0, -400), 100, 0)), [
    'its list of crates cannot be unpacked',
  ]);
  assert.deepEqual(await cratesOf(program(deflateSync('{"other":[]}'.repeat(9)), 10, 100)), []);
  assert.equal(parseAudit(deflateSync('{"packages":{}}')), undefined);
  // A list that unpacks to more than any has.
  assert.equal(parseAudit(deflateSync(`{"packages":[${' '.repeat(9_000_000)}]}`)), undefined);
});

test('any damage gives crates, a problem, or nothing', async () => {
  const whole = program(deflateSync(JSON.stringify(LIST)), 40, 40);
  const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(edits, fc.nat(whole.length), async (changes, end) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[Math.max(4, at)] = value;
      await cratesOf(bytes);
      await cratesOf(bytes.subarray(0, end), 500);
    }),
    { numRuns: 200 },
  );
});
