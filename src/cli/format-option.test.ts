import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { json, listPrinter } from './format-option.ts';

test('a list printed piece by piece is the document it would be as one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.jsonValue(), { maxLength: 4 }), { maxLength: 4 }), (pieces) => {
      let printed = '';
      const list = listPrinter('images', (text) => {
        printed += `${text}\n`;
      });
      for (const items of pieces) list.add(items);
      list.end();
      assert.equal(printed, `${json({ images: pieces.flat() })}\n`);
    }),
  );
});

test('separators of lines inside a text are left alone', () => {
  let printed = '';
  const list = listPrinter('images', (text) => {
    printed += `${text}\n`;
  });
  list.add([{ reason: 'one\u2028two\nthree' }]);
  list.end();
  assert.deepEqual(JSON.parse(printed), { images: [{ reason: 'one\u2028two\nthree' }] });
});
