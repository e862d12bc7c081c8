import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, buildProgram, Flag, type ProgramShape } from '../testing/build-program.ts';
import { readProgram } from '../testing/read-program.ts';
import { parseModuleText } from './build.ts';
import { BUILD_MAGIC, TEXT_END, TEXT_START } from './header.ts';
import { mainVersion } from './main-version.ts';

const TEXT = `path\tgithub.com/evilmartians/lefthook/v2
mod\tgithub.com/evilmartians/lefthook/v2\tv2.2.2\th1:AAA=
dep\tgithub.com/alessio/shellescape\tv1.4.2\th1:MHPfaU+ddJ0/bYWpgIeUnQUqKrlJ1S7BfEYPM4uEoM0=
dep\tgithub.com/mattn/go-tty\tv0.0.7
=>\tgithub.com/fork/go-tty\tv0.0.8-fork\th1:BBB=
dep\tk8s.io/api\tv0.0.0
=>\t./staging/src/k8s.io/api\t
build\t-ldflags="-s -w -X \\"a=b\\""
build\tvcs.revision=0123456789abcdef0123456789abcdef01234567
build\tvcs.time=2024-05-06T07:08:09Z
build\tCGO_ENABLED=0
`;

const EXPECTED = [
  'github.com/evilmartians/lefthook/v2 v2.2.2',
  'github.com/alessio/shellescape v1.4.2',
  'github.com/fork/go-tty v0.0.8-fork',
  'k8s.io/api v0.0.0',
  'stdlib 1.22.3',
];

const marked = (text: string): Buffer => Buffer.concat([TEXT_START, Buffer.from(text), TEXT_END]);

function counted(bytes: Buffer): Buffer {
  const length: number[] = [];
  let left = bytes.length;
  for (; left >= 0x80; left = Math.floor(left / 128)) length.push((left % 128) | 0x80);
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}

/** Go 1.18 and newer: texts stand behind the header. */
function inline(toolchain: string, text: Buffer): Buffer {
  const header = Buffer.alloc(32);
  BUILD_MAGIC.copy(header);
  header[14] = 8;
  header[15] = 2;
  return Buffer.concat([header, counted(Buffer.from(toolchain)), counted(text)]);
}

const filler = (bytes: number): Buffer => Buffer.alloc(bytes, 'abcdefghijklmnop');

function program(toolchain: string, text: Buffer, more: Partial<ProgramShape> = {}): Buffer {
  const variables = Buffer.concat([filler(160), inline(toolchain, text), filler(500)]);
  return buildProgram({
    noteOwner: 'Go',
    parts: [
      { content: filler(9000), flags: Flag.code },
      { content: Buffer.concat([filler(33), BUILD_MAGIC, filler(100_000)]), flags: Flag.constants },
      { content: variables, flags: Flag.variables },
    ],
    ...more,
  });
}

/** Go 1.13 to 1.17: addresses of strings, whose texts are among the constants. */
function pointing(is64: boolean, isLittle: boolean, toolchain: string, text: string): Buffer {
  const wordBytes = is64 ? 8 : 4;
  const constants = Buffer.concat([
    filler(5001),
    Buffer.from(toolchain),
    Buffer.from('go1.x'),
    filler(70_000),
    marked(text),
    filler(99),
  ]);
  const lengths = [9000, constants.length];
  const [start, variables] = [addressOf(lengths, 1), addressOf(lengths, 2)];
  const words = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * wordBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [index, value] of values.entries()) {
      if (is64) view.setBigUint64(index * 8, BigInt(value), isLittle);
      else view.setUint32(index * 4, value, isLittle);
    }
    return bytes;
  };
  const header = Buffer.concat([BUILD_MAGIC, Buffer.from([wordBytes, isLittle ? 0 : 1])]);
  const pointers = words(variables + 64, variables + 64 + 2 * wordBytes);
  const block = Buffer.concat([header, pointers, Buffer.alloc(64 - header.length - pointers.length)]);
  const strings = words(
    ...[start + 5001, toolchain.length, start + 5001 + toolchain.length + 5 + 70_000, text.length + 32],
  );
  return buildProgram({
    is64,
    isLittle,
    noteOwner: 'Go',
    parts: [
      { content: filler(9000), flags: Flag.code },
      { content: constants, flags: Flag.constants },
      { content: Buffer.concat([block, strings, filler(100)]), flags: Flag.variables },
    ],
  });
}

async function modulesOf(bytes: Buffer, step?: number): Promise<readonly string[]> {
  const findings = await readProgram('usr/bin/tool', bytes, step);
  return findings.flatMap(({ packages = [], problems = [] }) => [
    ...packages.map(({ name, version }) => `${name} ${version}`),
    ...problems,
  ]);
}

test('modules, replacements, the main module and the toolchain, in whatever chunks the file comes', async () => {
  const bytes = program('go1.22.3 X:boringcrypto', marked(TEXT));
  for (const step of [1 << 20, 65_536, 4096, 1000, 17])
    assert.deepEqual(await modulesOf(bytes, step), EXPECTED, `${step}`);
  const finding = (await readProgram('usr/bin/tool', bytes)).find(({ reader }) => reader === 'go-buildinfo');
  assert.deepEqual(
    finding?.packages?.map(({ details, guessed }) => ({ ...details, ...(guessed === undefined ? {} : { guessed }) })),
    [
      { revision: '0123456789abcdef0123456789abcdef01234567', sum: 'h1:AAA=' },
      { sum: 'h1:MHPfaU+ddJ0/bYWpgIeUnQUqKrlJ1S7BfEYPM4uEoM0=' },
      { replaces: 'github.com/mattn/go-tty@v0.0.7', sum: 'h1:BBB=' },
      { 'replaced-by': './staging/src/k8s.io/api', guessed: true },
      { toolchain: 'go1.22.3 X:boringcrypto' },
    ],
  );
});

test('programs of Go 1.13 to 1.17, of both word sizes and byte orders', async () => {
  const expected = [...EXPECTED.slice(0, -1), 'stdlib 1.17.5'];
  for (const is64 of [true, false]) {
    for (const isLittle of [true, false]) {
      const bytes = pointing(is64, isLittle, 'go1.17.5', TEXT);
      for (const step of [1 << 20, 65_536, 4096, 333]) assert.deepEqual(await modulesOf(bytes, step), expected);
    }
  }
  assert.deepEqual(await modulesOf(pointing(true, true, 'go1.15.15', '')), ['stdlib 1.15.15']);
});

test('where the linker put it: among the constants, or without a mark of the toolchain', async () => {
  const block = Buffer.concat([filler(64), inline('go1.30', marked(TEXT)), filler(10)]);
  const constants = buildProgram({ noteOwner: 'Go', parts: [{ content: block, flags: Flag.constants }] });
  assert.deepEqual(await modulesOf(constants), [...EXPECTED.slice(0, -1), 'stdlib 1.30']);
  assert.deepEqual(await modulesOf(program('go1.22.3', marked(TEXT), { noteOwner: 'GNU' })), EXPECTED);
  assert.deepEqual(await modulesOf(program('devel go1.24-3f4af64 Tue', Buffer.alloc(0))), ['stdlib 1.24-3f4af64']);
});

test('what cannot be read is said', async () => {
  const silent = buildProgram({ noteOwner: 'Go', parts: [{ content: filler(9000), flags: Flag.variables }] });
  assert.match((await modulesOf(silent))[0] ?? '', /^a Go program without build information/);
  const lost = pointing(true, true, 'go1.17.5', TEXT);
  lost.fill(0, lost.indexOf('go1.17.5'), lost.indexOf('go1.17.5') + 8);
  assert.match((await modulesOf(lost))[0] ?? '', /points to nothing/);
  const packed = Buffer.from(program('go1.22.3', marked(TEXT)));
  packed.write('UPX!', 400);
  assert.deepEqual(await modulesOf(packed), ['is packed by UPX: what it is made of cannot be read']);
  assert.deepEqual(await modulesOf(buildProgram({ parts: [{ content: filler(9000), flags: Flag.variables }] })), []);
});

test('the version of a program that was built from its work tree', () => {
  const version = (lines: string, main = '(devel)'): unknown =>
    mainVersion(parseModuleText('go1.22.3', `path\ta.io/b/cmd/b\nmod\ta.io/b\t${main}\n${lines}`));
  const guessed = (text: string): unknown => ({ version: text, isGuessed: true });
  assert.deepEqual(version('', 'v1.0.0'), { version: 'v1.0.0', isGuessed: false });
  assert.deepEqual(version(''), { version: '(devel)', isGuessed: false });
  assert.deepEqual(version('build\t-ldflags="-s -X main.version=1.2.3 -X a.io/x.Version=9.9.9"\n'), guessed('v1.2.3'));
  assert.deepEqual(version(`build\t-ldflags="-X 'a.io/b/v.Version=v1.2.3-rc.1'"\n`), guessed('v1.2.3-rc.1'));
  assert.deepEqual(version('build\t-ldflags="-X a.Version=1.2.3 -X b.Version=2.0.0"\n'), {
    version: '(devel)',
    isGuessed: false,
  });
  assert.deepEqual(
    version('build\tvcs.revision=0123456789abcdef\nbuild\tvcs.time=2024-05-06T07:08:09Z\n'),
    guessed('v0.0.0-20240506070809-0123456789ab'),
  );
});

test('quoted settings, and lines that no Go writes', () => {
  const { settings, dependencies, main } = parseModuleText(
    'go1.22',
    'build\t"a=b"=`c d`\nbuild\tk="\\u00fc\\n\\x41\\"\\U99999999"\nbuild\tnothing\n=>\tx\tv1\nnonsense\ndep\n',
  );
  assert.deepEqual(
    [...settings],
    [
      ['a=b', 'c d'],
      ['k', 'ü\nA"\\U99999999'],
    ],
  );
  assert.deepEqual([dependencies, main], [[], undefined]);
});

test('any damage gives modules, a problem, or nothing', async () => {
  const wholes = [
    program('go1.22.3', marked(TEXT)),
    pointing(true, true, 'go1.17.5', TEXT),
    pointing(false, false, 'go1.15', TEXT),
  ];
  const values = fc.constantFrom(0, 1, 2, 0x20, 0x7f, 0x80, 0xff);
  const edits = fc.array(fc.tuple(fc.boolean(), fc.nat(300), values), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...wholes),
      edits,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (whole, changes, cut) => {
        const bytes = Buffer.from(whole);
        const header = Math.max(0, bytes.lastIndexOf(BUILD_MAGIC));
        for (const [isHeader, at, value] of changes)
          bytes[Math.min(bytes.length - 1, isHeader ? header + at : at)] = value;
        const found = await modulesOf(bytes.subarray(0, cut < 0.5 ? bytes.length : Math.floor(bytes.length * cut)));
        assert.ok(found.length < 100);
      },
    ),
    { numRuns: 300 },
  );
});
