import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Digest, digestOf } from '../../oci/index.ts';
import { decideRetention, type ManifestFacts, type Needs, type TagFacts } from './decide.ts';
import { matchesGlob } from './glob.ts';
import { type RetentionRule, ruleFor } from './rules.ts';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;
const NOTHING: Needs = { reasons: new Map(), running: new Set() };

const tag = (name: string, days: number, content = name): TagFacts => ({
  name,
  digest: digestOf(content),
  updated: NOW - days * DAY,
});
const manifest = (content: string, more: Partial<ManifestFacts> = {}): ManifestFacts => ({
  digest: digestOf(content),
  subject: null,
  pushed: NOW - 100 * DAY,
  children: [],
  ...more,
});
const decide = (
  tags: readonly TagFacts[],
  rule: Partial<RetentionRule>,
  { needs = NOTHING, manifests }: { needs?: Needs; manifests?: readonly ManifestFacts[] } = {},
) => {
  const all =
    manifests ?? [...new Set(tags.map(({ digest }) => digest))].map((digest) => ({ ...manifest(''), digest }));
  return decideRetention({ name: 'shop/web', tags, manifests: all }, { repositories: '*', ...rule }, needs, NOW);
};
const kept = (decision: ReturnType<typeof decide>): readonly string[] =>
  decision.tags.filter(({ keep }) => keep).map(({ name }) => name);
const gone = (decision: ReturnType<typeof decide>): readonly Digest[] => decision.manifests.map(({ digest }) => digest);

test('steps of a build cache go by age, 30 days unless a rule says another, and take no place among the newest', () => {
  const cache = (days: number): TagFacts => tag(`buildcache-${'0a'.repeat(12)}-step-${days}`, days);
  const tags = [tag('v1', 90), tag('v2', 60), cache(1), cache(20), cache(40)];
  const names = (...days: number[]): readonly string[] => days.map((day) => cache(day).name);
  assert.deepEqual(kept(decide(tags, { newest: 1 })), ['v2', ...names(1, 20)]);
  assert.deepEqual(kept(decide(tags, { newerThan: 10 })), names(1));
  assert.deepEqual(kept(decide(tags, { tags: ['buildcache-*'] })), names(1, 20, 40));
  const old = decide(tags, { newest: 2 }).tags.at(-1);
  assert.deepEqual(old?.reasons, ['build cache, older than 30 days']);
});

test('newest, newer than and patterns each keep tags, and each says why', () => {
  const tags = [tag('v1', 90), tag('v2', 60), tag('v3', 20), tag('latest', 95), tag('nightly', 5)];
  assert.deepEqual(kept(decide(tags, { newest: 2 })), ['v3', 'nightly']);
  assert.deepEqual(kept(decide(tags, { newerThan: 61 })), ['v2', 'v3', 'nightly']);
  assert.deepEqual(kept(decide(tags, { tags: ['v?', 'late*'] })), ['v1', 'v2', 'v3', 'latest']);
  const all = decide(tags, { newest: 1, newerThan: 30, tags: ['latest'] });
  assert.deepEqual(
    all.tags.map(({ name, reasons }) => [name, reasons]),
    [
      ['v1', ['not of the newest 1, older than 30 days, fits none of latest, not in use']],
      ['v2', ['not of the newest 1, older than 30 days, fits none of latest, not in use']],
      ['v3', ['newer than 30 days']],
      ['latest', ['fits latest']],
      ['nightly', ['one of the newest 1', 'newer than 30 days']],
    ],
  );
  assert.deepEqual(gone(all), [digestOf('v1'), digestOf('v2')]);
});

test('what runs, is released, is a base or the way back stays, unless the rule says otherwise', () => {
  const tags = ['run', 'rel', 'base', 'back', 'task', 'by-tag', 'old'].map((name) => tag(name, 90));
  const needs: Needs = {
    reasons: new Map([
      [digestOf('run'), ['running']],
      [digestOf('rel'), ['released']],
      [digestOf('base'), ['base']],
      [digestOf('back'), ['rollback']],
      [digestOf('task'), ['task']],
    ]),
    running: new Set(['shop/web:by-tag', 'other/web:old']),
  };
  assert.deepEqual(kept(decide(tags, {}, { needs })), ['run', 'rel', 'base', 'back', 'task', 'by-tag']);
  assert.deepEqual(kept(decide(tags, { running: false }, { needs })), ['rel', 'base', 'back', 'task']);
  assert.deepEqual(kept(decide(tags, { released: false, lineage: false }, { needs })), ['run', 'task', 'by-tag']);
});

test('a tag of an index whose platform runs stays; children go with their index', () => {
  const children = [digestOf('amd64'), digestOf('arm64')];
  const manifests = [manifest('index', { children }), manifest('amd64'), manifest('arm64'), manifest('alone')];
  const tags = [tag('v1', 90, 'index')];
  const needs: Needs = { ...NOTHING, reasons: new Map([[digestOf('arm64'), ['running']]]) };
  assert.deepEqual(gone(decide(tags, {}, { needs, manifests })), []);
  assert.deepEqual(gone(decide(tags, {}, { manifests })), [digestOf('index'), ...children]);
  assert.deepEqual(gone(decide(tags, { untagged: 30 }, { needs, manifests })), [digestOf('alone')]);
});

test('referrers live as long as their subject, by subject and by tag', () => {
  const subject = digestOf('v1');
  const manifests = [
    manifest('v1'),
    manifest('sbom', { subject }),
    manifest('signature of sbom', { subject: digestOf('sbom') }),
    manifest('cosign'),
    manifest('orphan', { subject: digestOf('never pushed') }),
  ];
  const tags = [tag('v1', 90), tag(`${subject.replace(':', '-')}.sig`, 1, 'cosign')];
  assert.deepEqual(gone(decide(tags, { tags: ['v1'] }, { manifests })), []);
  const removed = decide(tags, {}, { manifests });
  assert.deepEqual(kept(removed), []);
  assert.deepEqual(
    gone(removed),
    ['v1', 'sbom', 'signature of sbom', 'cosign'].map((content) => digestOf(content)),
  );
  assert.deepEqual(gone(decide([], { untagged: 30 }, { manifests: [manifest('orphan', { subject })] })), [
    digestOf('orphan'),
  ]);
});

test('untagged manifests stay without a rule for them, and until it is time', () => {
  const manifests = [manifest('old'), manifest('young', { pushed: NOW - DAY })];
  assert.deepEqual(gone(decide([], {}, { manifests })), []);
  assert.deepEqual(gone(decide([], { untagged: 30 }, { manifests })), [digestOf('old')]);
});

test('whatever the rule, what a kept manifest needs is kept', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const name = fc.constantFrom(...names);
  const facts = fc.record({
    tags: fc.uniqueArray(fc.record({ name, days: fc.nat(100), content: name }), { selector: (one) => one.name }),
    manifests: fc.tuple(
      ...names.map((content) =>
        fc.record({
          content: fc.constant(content),
          subject: fc.option(name),
          children: fc.uniqueArray(name, { maxLength: 3 }),
          pushed: fc.nat(100),
        }),
      ),
    ),
    newest: fc.nat(3),
    untagged: fc.option(fc.nat(60), { nil: undefined }),
  });
  fc.assert(
    fc.property(facts, ({ tags, manifests, newest, untagged }) => {
      const all = manifests.map(({ content, subject, children, pushed }) =>
        manifest(content, {
          subject: subject === null ? null : digestOf(subject),
          children: children.map((child) => digestOf(child)),
          pushed: NOW - pushed * DAY,
        }),
      );
      const decision = decide(
        tags.map((one) => tag(one.name, one.days, one.content)),
        { newest, ...(untagged === undefined ? {} : { untagged }) },
        { manifests: all },
      );
      const removed = new Set(gone(decision));
      for (const { digest, keep } of decision.tags) if (keep) assert.ok(!removed.has(digest));
      for (const { digest, children, subject } of all) {
        if (!removed.has(digest)) for (const child of children) assert.ok(!removed.has(child));
        if (subject !== null && !removed.has(subject)) assert.ok(!removed.has(digest));
      }
    }),
  );
});

test('globs match like the regular expressions they stand for, and the first rule that fits counts', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (glob, name) => {
      const source = glob.replace(/[.*?]/g, (one) => ({ '.': '\\.', '*': '.*', '?': '.' })[one] as string);
      assert.equal(matchesGlob(glob, name), new RegExp(`^${source}$`).test(name));
    }),
  );
  const rules = [
    { repositories: 'shop/*', newest: 1 },
    { repositories: '*', newest: 2 },
  ];
  assert.equal(ruleFor(rules, 'shop/a/b')?.newest, 1);
  assert.equal(ruleFor(rules, 'other')?.newest, 2);
  assert.equal(ruleFor(rules.slice(0, 1), 'other'), undefined);
});
