import { type Condition, ERRNO, type Rule } from './profile.ts';
import type { Machine } from './system-calls.ts';

/** One instruction of the kernel's classic packet filter: struct sock_filter (linux/filter.h). */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

// linux/bpf_common.h: load a word, jump if equal / greater or equal / any bit, return.
const [LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN] = [0x20, 0x15, 0x35, 0x45, 0x06];
// linux/seccomp.h: SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO; struct seccomp_data has the number at 0, the machine at 4,
// arguments of 64 bits each from 16 on.
const [ALLOW, ERRNO_BASE] = [0x7fff0000, 0x00050000];
const [NUMBER, AUDIT, ARGUMENTS] = [0, 4, 16];
const WORD = 4;
const INSTRUCTION_BYTES = 8;

interface Verdict {
  readonly answer: number | undefined;
  readonly conditional: readonly Rule[];
}

const NONE: Verdict = { answer: ERRNO.ENOSYS, conditional: [] };

/**
 * The filter program of a profile, as the kernel takes it (seccomp(2), little endian). Numbers are gone through upwards
 * in runs that get the same answer; the kernel keeps what it finds for calls whose arguments do not matter. Other machines'
 * calls (32-bit programs) and x32 numbers do not exist, like all that the profile does not name.
 */
export function assemble(machine: Machine, rules: readonly Rule[]): Buffer {
  const runs = runsOf(verdicts(machine, rules));
  const program: Instruction[] = [
    [LOAD, 0, 0, AUDIT],
    [EQUAL, 1, 0, machine.audit],
    [RETURN, 0, 0, returned(ERRNO.ENOSYS)],
    [LOAD, 0, 0, NUMBER],
  ];
  for (const [at, { verdict }] of runs.entries()) {
    const body = bodyOf(verdict);
    const next = runs[at + 1];
    if (next !== undefined) program.push([AT_LEAST, body.length, 0, next.first]);
    program.push(...body);
  }
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [at, [code, whenTrue, whenFalse, value]] of program.entries()) {
    const offset = at * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, offset);
    bytes.writeUInt8(whenTrue, offset + 2);
    bytes.writeUInt8(whenFalse, offset + 3);
    bytes.writeUInt32LE(value, offset + WORD);
  }
  return bytes;
}

function verdicts(machine: Machine, rules: readonly Rule[]): ReadonlyMap<number, Verdict> {
  const found = new Map<number, Verdict>();
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = machine.numbers.get(name);
      // Not every machine has every call.
      if (number === undefined) continue;
      const before = found.get(number);
      if (rule.where === undefined) found.set(number, { answer: rule.answer, conditional: [] });
      else found.set(number, { ...(before ?? NONE), conditional: [...(before?.conditional ?? []), rule] });
    }
  }
  return found;
}

interface Run {
  readonly first: number;
  readonly verdict: Verdict;
}

function runsOf(found: ReadonlyMap<number, Verdict>): readonly Run[] {
  const highest = Math.max(...found.keys());
  const runs: Run[] = [{ first: 0, verdict: found.get(0) ?? NONE }];
  for (let number = 1; number <= highest + 1; number += 1) {
    const verdict = found.get(number) ?? NONE;
    const last = runs.at(-1)?.verdict ?? NONE;
    const isSame = verdict.answer === last.answer && verdict.conditional.length + last.conditional.length === 0;
    if (!isSame) runs.push({ first: number, verdict });
  }
  return runs;
}

const returned = (answer: number | undefined): number => (answer === undefined ? ALLOW : ERRNO_BASE | answer);

/** Ends with a return whatever the call's arguments are. */
function bodyOf({ answer, conditional }: Verdict): readonly Instruction[] {
  const body: Instruction[] = [];
  for (const rule of conditional) {
    // Backwards: a condition that does not hold jumps over all that follows in this rule.
    const parts: (readonly Instruction[])[] = [[[RETURN, 0, 0, returned(rule.answer)]]];
    for (const condition of [...(rule.where ?? [])].reverse()) parts.unshift(test(condition, parts.flat().length));
    body.push(...parts.flat());
  }
  return [...body, [RETURN, 0, 0, returned(answer)]];
}

/** Instructions that go on behind themselves when the condition holds, else behind the next `rest` ones. */
function test({ argument, test: kind, values }: Condition, rest: number): readonly Instruction[] {
  const load: Instruction = [LOAD, 0, 0, ARGUMENTS + 2 * WORD * argument];
  const mask = values[0] ?? 0;
  if (kind === 'any-bit-of') return [load, [ANY_BIT, 0, rest, mask]];
  return [
    load,
    ...values.map((value, at): Instruction => {
      const [left, isLast] = [values.length - 1 - at, at === values.length - 1];
      if (kind === 'none-of') return [EQUAL, left + rest, 0, value];
      return [EQUAL, left, isLast ? rest : 0, value];
    }),
  ];
}
