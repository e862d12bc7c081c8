import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../oci/index.ts';
import { BASE_DIGEST_ANNOTATION, findBase } from './lineage.ts';

const layer = (name: string) => digestOf(`layer ${name}`);
const image = (name: string, ...layers: string[]) => ({ digest: digestOf(name), diffIds: layers.map(layer) });

test('the longest whole stack below wins; equal stacks and partly shared ones are no base', () => {
  const known = [image('base', 'a'), image('runtime', 'a', 'b'), image('sibling', 'a', 'b', 'x'), image('empty')];
  const child = image('child', 'a', 'b', 'c');
  assert.deepEqual(findBase(child, known), { digest: digestOf('runtime'), name: undefined, evidence: 'layers' });
  assert.equal(findBase(image('base again', 'a'), known), undefined);
  assert.equal(findBase(image('other', 'z', 'a'), known), undefined);
});

test('a recipe knows better than an annotation, an annotation better than layers', () => {
  const annotations = {
    [BASE_DIGEST_ANNOTATION]: digestOf('named'),
    'org.opencontainers.image.base.name': 'debian:13',
  };
  const child = { ...image('child', 'a', 'b'), annotations };
  const known = [image('base', 'a')];
  assert.deepEqual(findBase(child, known), { digest: digestOf('named'), name: 'debian:13', evidence: 'annotation' });
  assert.equal(findBase(child, known, { digest: digestOf('recipe') })?.evidence, 'recipe');
  const wrong = { ...child, annotations: { [BASE_DIGEST_ANNOTATION]: 'latest' } };
  assert.equal(findBase(wrong, known)?.evidence, 'layers');
});
