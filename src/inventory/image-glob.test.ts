import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatches, globToLike } from './image-glob.ts';

const pieces = fc.string({ unit: fc.constantFrom('*', '?', 'a', 'b', '/', '%', '_', '\\', '.', '['), maxLength: 10 });
const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '%', '_', '\\', '.', '['), maxLength: 12 });

/** An independent reading of the same grammar. */
function asRegExp(glob: string): RegExp {
  const body = [...glob]
    .map((c) => (c === '*' ? '[^]*' : c === '?' ? '[^]' : c.replace(/[\\.[\]/%_]/g, '\\$&')))
    .join('');
  return new RegExp(`^${body}$`);
}

/** LIKE as PostgreSQL defines it, with `\` as escape character. */
function like(pattern: string): RegExp {
  const body = pattern.replace(/\\(.)|([%_])|([\s\S])/g, (_, escaped?: string, wild?: string, plain?: string) => {
    if (wild !== undefined) return wild === '%' ? '[^]*' : '[^]';
    return (escaped ?? plain ?? '').replace(/[\\.[\]/]/g, '\\$&');
  });
  return new RegExp(`^${body}$`);
}

test('a glob, its regular expression and its LIKE pattern match the same texts', () => {
  fc.assert(
    fc.property(pieces, texts, (glob, text) => {
      const wanted = asRegExp(glob).test(text);
      assert.equal(globMatches(glob, text), wanted);
      assert.equal(like(globToLike(glob)).test(text), wanted);
    }),
    { numRuns: 1000 },
  );
});

test('a pattern made to backtrack does not', () => {
  assert.equal(globMatches(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000)), false);
});
