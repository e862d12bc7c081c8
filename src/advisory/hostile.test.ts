/** What a document may try: depth, size, entities, broken ends, foreign encodings, dates and ids that are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanDate, cleanId, cleanName, cleanText, cleanUrls } from './clean.ts';
import { cvss3Score, severityOfScore } from './cvss.ts';
import { readLines, readMembers } from './json-members.ts';
import { MAX_DEPTH, MAX_MEMBER_BYTES } from './limits.ts';
import { inChunks, readAll } from './testing.ts';
import { ADVISORY_TYPES } from './types.ts';

const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test('nesting over the limit is refused, in JSON and in XML', async () => {
  const limit = { code: 'ADVISORY_LIMIT' };
  await assert.rejects(readAll(`{"id":"X-1","affected":${deep(MAX_DEPTH + 2)}}`, 'osv'), limit);
  await assert.rejects(readAll(`{"document":{"tracking":{}},"x":${deep(100_000)}}`, 'csaf'), limit);
  await assert.rejects(
    readAll(`<updates>${'<a>'.repeat(MAX_DEPTH + 1)}`, 'updateinfo', { distribution: 'rocky/9' }),
    limit,
  );
});

test('XML bombs and external entities: a document type is refused before anything is expanded', async () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE updates [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><updates><update type="security"><id>&b;</id></update></updates>`;
  const outside = `<!DOCTYPE updates [<!ENTITY x SYSTEM "file:///etc/passwd">]><updates>&x;</updates>`;
  for (const text of [bomb, outside]) {
    await assert.rejects(readAll(text, 'updateinfo', { distribution: 'rocky/9' }), {
      code: 'ADVISORY_INVALID',
      message: /document type/,
    });
  }
  await assert.rejects(readAll('<updates>&undefined;</updates>', 'updateinfo', { distribution: 'rocky/9' }), {
    code: 'ADVISORY_INVALID',
  });
});

test('broken ends, other encodings and other documents are invalid, never half an answer taken for a whole', async () => {
  const invalid = { code: 'ADVISORY_INVALID' };
  await assert.rejects(readAll('{"glibc":{"CVE-2023-4911":{"releases":{}}}', 'debian-tracker'), invalid);
  await assert.rejects(readAll('{"glibc":{"CVE-2023-4911":{"releases":{}}},}', 'debian-tracker'), invalid);
  await assert.rejects(readAll('[{"id":"X-1"}] trailing', 'osv'), invalid);
  await assert.rejects(readAll('<updates><update>', 'updateinfo', { distribution: 'rocky/9' }), invalid);
  await assert.rejects(
    readAll(Buffer.from('3c757064617465733eff3c2f757064617465733e', 'hex'), 'updateinfo', { distribution: 'x/1' }),
    invalid,
  );
  await assert.rejects(readAll('<html/>', 'oval'), invalid);
  await assert.rejects(readAll('{"a":1}', 'secdb'), invalid);
  await assert.rejects(readAll('{"a":1}', 'csaf'), invalid);
  await assert.rejects(readAll('[]', 'openvex'), invalid);
  for (const text of ['', 'hello', '<html></html>', '{"a":{"b":1}}', '[1]']) {
    await assert.rejects(readAll(text), { code: 'ADVISORY_TYPE_UNKNOWN' }, text);
  }
});

test('a member or an element that never ends stops at its limit', async () => {
  async function* endless(head: string): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from(head);
    const filler = Buffer.alloc(1024 * 1024, 'a');
    for (let sent = 0; sent <= MAX_MEMBER_BYTES; sent += filler.length) yield filler;
  }
  const limit = { code: 'ADVISORY_LIMIT' };
  await assert.rejects(Array.fromAsync(readMembers(endless('{"a":"'), 'it')), limit);
  await assert.rejects(Array.fromAsync(readLines(endless('{"a":"'), 'it')), limit);
  const { readXml } = await import('./xml.ts');
  const handler = { open: () => undefined, close: () => undefined };
  for (const head of ['<a b="', '<a><!-- ', '<a>'])
    await assert.rejects(Array.fromAsync(readXml(endless(head), 'it', handler)), limit);
});

test('members of any document, in chunks of any size, are those JSON.parse finds', async () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const check = fc.asyncProperty(
    fc.oneof(fc.dictionary(fc.string(), value), fc.array(value)),
    fc.integer({ min: 1, max: 40 }),
    fc.boolean(),
    async (document, size, pretty) => {
      const text = JSON.stringify(document, undefined, pretty ? 2 : 0);
      const members = await Array.fromAsync(readMembers(inChunks(text, size), 'it'));
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed))
        assert.deepEqual(
          members.map((member) => member.value),
          parsed,
        );
      else
        assert.deepEqual(
          members.map(({ key, value: one }) => [key, one]),
          Object.entries(parsed as object).length === members.length
            ? members.map(({ key }) => [key, (parsed as Record<string, unknown>)[key]])
            : 'another number of members',
        );
    },
  );
  await fc.assert(check, { numRuns: 200 });
});

test('whatever bytes come, each reader answers or refuses with a code of its own', async () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '<updates>',
    '<update>',
    '</update>',
    '<oval_definitions>',
    '<definitions>',
    '<definition class="patch">',
    '"CVE-2024-1"',
    '"id"',
    '"releases"',
    '"packages"',
    '"statements"',
    '"document"',
    '\\',
    '\u0000',
    'é',
    '&',
    ' ',
    '0',
  );
  const check = fc.asyncProperty(
    fc.array(pieces, { maxLength: 30 }),
    fc.constantFrom(...ADVISORY_TYPES),
    async (parts, type) => {
      try {
        await readAll(parts.join(''), type, { distribution: 'rocky/9' });
      } catch (error) {
        assert.match((error as { code: string }).code ?? String(error), /^ADVISORY_/);
      }
    },
  );
  await fc.assert(check, { numRuns: 400 });
});

test('dates: real ones in every spelling, nothing else', () => {
  for (const [text, iso] of [
    ['2024-01-22', '2024-01-22T00:00:00.000Z'],
    ['2024-01-22 10:11:12', '2024-01-22T10:11:12.000Z'],
    ['2024-01-22 10:11', '2024-01-22T10:11:00.000Z'],
    ['2024-01-22 10:11:12 UTC', '2024-01-22T10:11:12.000Z'],
    ['2024-01-22T10:11:12+02:00', '2024-01-22T08:11:12.000Z'],
    ['2024-01-22T10:11:12.123456789Z', '2024-01-22T10:11:12.123Z'],
    ['1705918272', '2024-01-22T10:11:12.000Z'],
  ] as const) {
    assert.equal(cleanDate(text), iso, text);
  }
  for (const text of [
    '',
    'yesterday',
    '2024-02-30',
    '2024-13-01',
    '0001-01-01',
    '99999-01-01',
    '2024-01-22T25:00:00Z',
    '12',
    {},
    null,
    Number.NaN,
    -1,
  ]) {
    assert.equal(cleanDate(text), undefined, String(text));
  }
});

test('ids, names, texts and links come through clean or not at all', () => {
  assert.equal(cleanId(' CVE-2024-1234 '), 'CVE-2024-1234');
  for (const bad of ['', 'a b', '../x', `A${'x'.repeat(200)}`, '\u001b[31m', 5, '<b>'])
    assert.equal(cleanId(bad), undefined);
  assert.equal(cleanName('libc++1-16'), 'libc++1-16');
  for (const bad of ['', 'a b', 'a\u0000', 'x'.repeat(600)]) assert.equal(cleanName(bad), undefined);
  assert.equal(cleanText('a\u001b[31m\n\tb  c'), 'a [31m b c');
  assert.equal(cleanText('x'.repeat(10_000)).length, 500);
  assert.deepEqual(
    cleanUrls(['https://a.example/x', 'ftp://a', 'javascript:alert(1)', 'https://', 'https://a.example/x']),
    ['https://a.example/x'],
  );
});

test('CVSS 3 base scores equal those of the specification’s examples', () => {
  // https://www.first.org/cvss/v3.1/examples and NVD's entries for the same flaws.
  for (const [vector, score] of [
    ['CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N', 6.4],
    ['CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N', 3.1],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 9.8],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H', 10],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N', 7.5],
    ['CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H', 7.8],
    ['CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', 0],
    ['CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H', 7.2],
  ] as const) {
    assert.equal(cvss3Score(vector), score, vector);
  }
  for (const bad of [
    '',
    'CVSS:4.0/AV:N',
    'CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
    'CVSS:3.1/S:U',
    'CVSS:3.1/AV:constructor/S:U',
  ]) {
    assert.equal(cvss3Score(bad), undefined, bad);
  }
  assert.deepEqual([0, 3.9, 4, 7, 9].map(severityOfScore), ['none', 'low', 'medium', 'high', 'critical']);
});
