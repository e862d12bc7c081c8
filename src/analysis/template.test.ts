import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { matchersOf } from './selector.ts';
import { fillTemplate, parseTemplate, type TemplateFacts } from './template.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const FACTS: TemplateFacts = {
  workload: 'web',
  namespace: 'shop',
  container: 'app',
  weight: 20,
  before: { members: ['web-1-x', 'web-1-y'], image: 'r.example/web:1', selector: 'app=web,pod-template-hash=1' },
  after: { members: ['web-2.x'], image: `r.example/web@${DIGEST}`, selector: 'app=web,pod-template-hash=2' },
};
const fill = (text: string, side: 'before' | 'after' = 'after', facts = FACTS, language: 'promql' | 'url' = 'promql') =>
  fillTemplate(parseTemplate(text, language), facts, side);

test('a query is filled in for each side', () => {
  const query = 'sum(rate(errors{namespace="{{namespace}}",pod=~"{{ side.members }}"}[1m])) # {{weight}}';
  assert.deepEqual(fill(query), {
    text: 'sum(rate(errors{namespace="shop",pod=~"web-2\\\\.x"}[1m])) # 20',
  });
  assert.deepEqual(fill(query, 'before'), {
    text: 'sum(rate(errors{namespace="shop",pod=~"web-1-x|web-1-y"}[1m])) # 20',
  });
  assert.deepEqual(fill('up{ {{side.matchers}} }'), { text: 'up{ app="web",pod_template_hash="2" }' });
  assert.deepEqual(fill("x{d='{{after.digest}}'}", 'before'), { text: `x{d='${DIGEST}'}` });
  assert.deepEqual(fill('x{d="{{before.digest}}"}'), { missing: 'the before side has no digest here' });
  assert.equal(parseTemplate('x{p="{{side.members}}"}', 'promql').perSide, true);
  assert.equal(parseTemplate('x{p="{{after.members}}"}', 'promql').perSide, false);
});

test('a URL is filled in behind its host', () => {
  const url = 'https://apm.example/{{namespace}}/{{workload}}?pods={{side.members}}&q={{after.selector}}';
  assert.deepEqual(fill(url, 'before', FACTS, 'url'), {
    text: 'https://apm.example/shop/web?pods=web-1-x%2Cweb-1-y&q=app%3Dweb%2Cpod-template-hash%3D2',
  });
});

for (const [text, language] of [
  ['up{a="{{nobody}}"}', 'promql'],
  ['up{a="{{side.nobody}}"}', 'promql'],
  ['up{a={{workload}}}', 'promql'],
  ['up{a="{{side.matchers}}"}', 'promql'],
  ['up{a=`{{workload}}`}', 'promql'],
  ['up{a="{{workload"}', 'promql'],
  ['up # " \n {{workload}}', 'promql'],
  ['https://{{namespace}}.example/', 'url'],
  ['https://a.example/{{a b}}', 'url'],
] as const) {
  test(`refused: ${text}`, () => {
    assert.throws(
      () => parseTemplate(text, language),
      (error) => isHeraklitError(error, 'ANALYSIS_TEMPLATE_INVALID'),
    );
  });
}

test('no value gets out of its quotes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('"', "'"), (value, quote) => {
      const filled = fill(`a{b=${quote}{{workload}}${quote}}`, 'after', { ...FACTS, workload: value });
      assert.ok('text' in filled);
      const inside = filled.text.slice(5, -2);
      // Every quote and line end inside is escaped by an odd number of backslashes.
      assert.doesNotMatch(inside, new RegExp(`(?:^|[^\\\\])(?:\\\\\\\\)*[${quote}\\n]`));
      assert.equal(
        inside.replace(/\\(x00|.)/gs, (_, letter: string) => ({ n: '\n', r: '\r', x00: '\0' })[letter] ?? letter),
        value,
      );
    }),
  );
});

test('selectors of every form become matchers', () => {
  assert.equal(matchersOf('a=b,c==d,e!=f'), 'a="b",c="d",e!="f"');
  assert.equal(
    matchersOf('tier in (x, y.z),g notin (h),app.kubernetes.io/name,!old'),
    'tier=~"x|y\\\\.z",g!~"h",app_kubernetes_io_name!="",old=""',
  );
  assert.equal(matchersOf('a="x"} or vector(0)'), undefined);
});
