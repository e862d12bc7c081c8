import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { readJson } from './json-endpoint.ts';
import { checkPattern, countMatching, lineRate } from './log-rate.ts';
import { parsePointer, pointTo } from './pointer.ts';
import { readPrometheus } from './prometheus.ts';

const vector = (...values: unknown[]) => ({
  json: { status: 'success', data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value })) } },
});

test('Prometheus: one number, or why there is none', () => {
  assert.deepEqual(readPrometheus(vector([1, '0.25'])), { kind: 'value', value: 0.25 });
  assert.deepEqual(readPrometheus(vector([1, '1e+06'])), { kind: 'value', value: 1e6 });
  assert.deepEqual(readPrometheus(vector([1, '+Inf'])), { kind: 'value', value: Infinity });
  assert.deepEqual(readPrometheus({ json: { status: 'success', data: { resultType: 'scalar', result: [1, '3'] } } }), {
    kind: 'value',
    value: 3,
  });
  for (const answer of [
    vector(),
    vector([1, '1'], [1, '2']),
    vector([1, 'NaN']),
    vector([1, 'many']),
    vector([1, '']),
    vector([1, 5]),
    vector('5'),
    vector(null),
    { json: null },
    { json: [] },
    { json: { status: 'error', error: 'bad_data' } },
    { json: { status: 'success' } },
    { json: { status: 'success', data: { resultType: 'matrix', result: [] } } },
    { json: { status: 'success', data: { resultType: 'vector', result: [null] } } },
    { json: { status: 'success', data: { resultType: 'vector', result: {} } } },
    { trouble: 'away' },
  ]) {
    assert.equal(readPrometheus(answer).kind, 'none', JSON.stringify(answer));
  }
  fc.assert(fc.property(fc.jsonValue(), (json) => void readPrometheus({ json })));
});

test('JSON pointers as RFC 6901 has them', () => {
  const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8, deep: { rate: '0.5', ok: true, text: 'fast' } };
  const at = (pointer: string): unknown => pointTo(document, parsePointer(pointer));
  assert.deepEqual(
    ['/foo/0', '/', '/a~1b', '/m~0n', '/foo/01', '/foo/-', '/__proto__', '/foo/length', '/constructor'].map(at),
    ['bar', 0, 1, 8, undefined, undefined, undefined, undefined, undefined],
  );
  assert.equal(at(''), document);
  for (const wrong of ['foo', '/a~2', '/~']) {
    assert.throws(
      () => parsePointer(wrong),
      (error) => isHeraklitError(error, 'ANALYSIS_EXPRESSION_INVALID'),
    );
  }
  const read = (pointer: string) => readJson({ json: document }, parsePointer(pointer));
  assert.deepEqual(read('/deep/rate'), { kind: 'value', value: 0.5 });
  assert.deepEqual(read('/deep/ok'), { kind: 'value', value: 1 });
  assert.deepEqual(read('/deep/text'), { kind: 'none', reason: '/deep/text is no number' });
  assert.deepEqual(read('/deep/none'), { kind: 'none', reason: 'the answer has no /deep/none' });
});

test('log lines are counted per minute and copy', () => {
  const output = (covered: number, ...lines: string[]) => ({ lines, covered });
  assert.deepEqual(lineRate('ERROR', [output(30_000, 'ERROR a', 'fine', 'an ERROR'), output(60_000)]), {
    kind: 'value',
    value: 2,
  });
  assert.equal(lineRate('ERROR', []).kind, 'none');
  assert.throws(
    () => checkPattern('('),
    (error) => isHeraklitError(error, 'ANALYSIS_EXPRESSION_INVALID'),
  );
});

test('a pattern that takes for ever on a foreign line is ended', () => {
  assert.equal(countMatching('^(a+)+$', [`${'a'.repeat(60)}b`]), undefined);
});
