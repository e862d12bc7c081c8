import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filterFor } from './index.ts';
import { profile, type Rule } from './profile.ts';
import { MACHINES } from './system-calls.ts';

const [ALLOW, EPERM, ENOSYS] = [0x7fff0000, 0x50001, 0x50026];

/** The kernel's machine for such programs, as linux net/core/filter.c and kernel/seccomp.c define it. */
function verdict(program: Buffer, audit: number, number: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  for (const [at, value] of args.entries()) data.writeUInt32LE(value, 16 + 8 * at);
  let accumulator = 0;
  for (let at = 0; at * 8 < program.length; at += 1) {
    const [code, value] = [program.readUInt16LE(at * 8), program.readUInt32LE(at * 8 + 4)];
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else {
      const holds =
        code === 0x15 ? accumulator === value : code === 0x35 ? accumulator >= value : (accumulator & value) !== 0;
      assert.ok([0x15, 0x35, 0x45].includes(code), `code ${code}`);
      at += program[at * 8 + (holds ? 2 : 3)] ?? 0;
    }
  }
  throw new Error('the program ends without a verdict, which the kernel would refuse');
}

const holds = (rule: Rule, args: readonly number[]): boolean =>
  (rule.where ?? []).every(({ argument, test: kind, values }) => {
    const value = (args[argument] ?? 0) >>> 0;
    if (kind === 'any-bit-of') return (value & (values[0] ?? 0)) !== 0;
    return values.includes(value) === (kind === 'equal');
  });

/** What the profile says, without any program. */
function expected(rules: readonly Rule[], name: string | undefined, args: readonly number[]): number {
  const own = rules.filter(({ names }) => name !== undefined && names.includes(name));
  const rule =
    own.find(({ where }) => where !== undefined && holds({ names: [], where }, args)) ??
    own.find(({ where }) => where === undefined);
  if (rule === undefined) return ENOSYS;
  return rule.answer === undefined ? ALLOW : 0x50000 | rule.answer;
}

const INTERESTING = [0, 1, 4, 8, 9, 16, 38, 40, 0x20000, 0x20008, 0xffffffff, 0o1000000, 0x10000000, 0x20000000];

for (const [architecture, { audit, numbers }] of Object.entries(MACHINES)) {
  for (const recorded of [false, true]) {
    test(`the filter for ${architecture}${recorded ? ', recorded,' : ''} says what its profile says, of every call`, () => {
      const program = Buffer.from(filterFor(architecture, recorded), 'hex');
      assert.ok(program.length / 8 < 4096, 'more instructions than the kernel takes');
      const rules = profile(recorded);
      const names = new Map([...numbers].map(([name, number]) => [number, name]));
      for (let number = 0; number < 1024; number += 1)
        assert.equal(verdict(program, audit, number), expected(rules, names.get(number), []), names.get(number));
      fc.assert(
        fc.property(
          fc.oneof(fc.nat({ max: 500 }), fc.constantFrom(...numbers.values())),
          fc.array(fc.oneof(fc.constantFrom(...INTERESTING), fc.nat({ max: 0xffffffff })), { maxLength: 6 }),
          (number, args) => {
            assert.equal(verdict(program, audit, number, args), expected(rules, names.get(number), args));
          },
        ),
      );
      // Other machines' calls, x32 and everything that is not known.
      assert.equal(verdict(program, 0x40000003, 0), ENOSYS);
      for (const number of [0x40000000, 0x40000001, 0xffffffff, 600])
        assert.equal(verdict(program, audit, number), ENOSYS);
    });
  }
}

test('no name of a profile is misspelt, and no call has two rules without condition', () => {
  const known = new Set(Object.values(MACHINES).flatMap(({ numbers }) => [...numbers.keys()]));
  const plain = profile(true).filter(({ where }) => where === undefined);
  for (const { names } of profile(true)) for (const name of names) assert.ok(known.has(name), name);
  const all = plain.flatMap(({ names }) => names);
  assert.deepEqual(all.length, new Set(all).size);
  for (const { audit, numbers } of [MACHINES.x64, MACHINES.arm64].flatMap((machine) => machine ?? [])) {
    const filter = Buffer.from(filterFor(audit === 0xc000003e ? 'x64' : 'arm64', false), 'hex');
    const of = (name: string, ...args: number[]): number => verdict(filter, audit, numbers.get(name) ?? -1, args);
    for (const name of ['mount', 'ptrace', 'bpf', 'unshare', 'setns', 'keyctl', 'init_module', 'userfaultfd'])
      assert.equal(of(name), EPERM, name);
    for (const name of [
      'clone3',
      'io_uring_setup',
      'fsopen',
      'mount_setattr',
      'openat2',
      'pidfd_getfd',
      'memfd_secret',
    ])
      assert.equal(of(name), ENOSYS, name);
    assert.equal(of('clone', 0x10000011), EPERM);
    assert.equal(of('clone', 0x1200011), ALLOW);
    assert.equal(of('fsync'), 0x50000);
  }
});
