import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { type ControlProblem, MAX_STANZA_BYTES, parseControl, parseSingleStanza } from './control.ts';
import { Stanza } from './stanza.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const read = (text: string): Record<string, string>[] =>
  [...parseControl(bytes(text), { strict: true })].map((stanza) => Object.fromEntries(stanza));

test('stanzas, folded fields, comments, blank lines with spaces, CRLF, no final newline', () => {
  assert.deepEqual(
    read('\n\nPackage: a\n# remark\nDescription: short\n long ä\n .\n more\n \t\n\nPackage:  b \nEmpty:\nX-Y: 1:2'),
    [
      { Package: 'a', Description: 'short\n long ä\n .\n more' },
      { Package: 'b', Empty: '', 'X-Y': '1:2' },
    ],
  );
  assert.deepEqual(read('A: 1\r\nB: 2\r\n\r\nA: 3\r\n'), [{ A: '1', B: '2' }, { A: '3' }]);
  assert.deepEqual(read('# only a remark\n\n'), []);
});

test('field names without regard to case', () => {
  const stanza = parseSingleStanza(bytes('PACKAGE: a\n'), 'control');
  assert.equal(stanza.get('package'), 'a');
  assert.ok(stanza.has('Package'));
  assert.deepEqual(stanza.names(), ['PACKAGE']);
});

test('broken stanzas: strict throws with the line, tolerant skips and reports', () => {
  for (const [broken, line] of [
    ['no colon here', 3],
    [' starts with a continuation', 3],
    ['A: 1\nA: 2', 4],
    ['A: 1\n: 2', 4],
    ['-A: 1', 3],
    ['A B: 1', 3],
  ] as const) {
    const text = `Package: a\n\n${broken}\n\nPackage: b\n`;
    const problems: ControlProblem[] = [];
    const names = [...parseControl(bytes(text), { report: (problem) => problems.push(problem) })].map((s) =>
      s.get('Package'),
    );
    assert.deepEqual(names, ['a', 'b'], broken);
    assert.equal(problems[0]?.line, 3);
    assert.throws(
      () => [...parseControl(bytes(text), { strict: true, what: 'x' })],
      (error) => isHeraklitError(error, 'DISTRO_CONTROL_INVALID') && error.message.startsWith(`x, line ${line}:`),
      broken,
    );
  }
});

test('a single stanza is exactly one', () => {
  for (const text of ['', 'A: 1\n\nA: 2\n']) {
    assert.throws(
      () => parseSingleStanza(bytes(text), 'control'),
      (error) => isHeraklitError(error, 'DISTRO_CONTROL_INVALID'),
    );
  }
});

test('a stanza over its limit is an error', () => {
  const text = `A: ${'x'.repeat(MAX_STANZA_BYTES)}\n`;
  assert.throws(
    () => [...parseControl(bytes(text))],
    (error) => isHeraklitError(error, 'DISTRO_CONTROL_LIMIT'),
  );
});

test('text in any encoding survives reading and writing', () => {
  const latin1 = Buffer.from('Package: a\nMaintainer: J\xf6rg\nConffiles:\n /etc/a b\n', 'latin1');
  assert.deepEqual(parseSingleStanza(latin1, 'x').toBytes(), latin1);
});

test('changing a stanza leaves the others and the original alone', () => {
  const stanza = Stanza.of([
    ['Package', 'a'],
    ['Version', '1'],
    ['Status', 'x'],
  ]);
  const changed = stanza.with({ version: '2ä', Status: undefined, New: 'n' });
  assert.equal(changed.toBytes().toString(), 'Package: a\nVersion: 2ä\nNew: n\n');
  assert.equal(changed.ordered(['new', 'package']).toText().split('\n')[0], 'New: n');
  assert.equal(stanza.get('Version'), '1');
});

test('any bytes: no crash, and what was read is read the same again', () => {
  const piece = fc.constantFrom('A: 1\n', 'B:\n', ' x\n', '\n', ': \n', '#\n', 'é', '\0', '-', '\r\n', '\t\n', 'C');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      for (const stanza of parseControl(bytes(pieces.join('')))) {
        assert.deepEqual([...parseSingleStanza(stanza.toBytes(), 'again')], [...stanza]);
      }
    }),
  );
});
