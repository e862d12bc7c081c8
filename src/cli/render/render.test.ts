import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Finding } from '../../inventory/index.ts';
import { baseLine } from './base.ts';
import { type OutdatedView, outdatedJson, renderOutdated } from './outdated.ts';
import { renderTable } from './table.ts';
import { groupWhere } from './where.ts';
import { ageText, bytesText } from './words.ts';

const finding: Finding = {
  package: 'openssl',
  arch: 'amd64',
  installed: '3.5.0-1',
  installedArch: 'amd64',
  candidate: '3.5.1-1',
  repository: 'debian/trixie-security/main/amd64',
  security: true,
  severity: 'critical',
  advisories: ['CVE-2026-1', 'CVE-2026-2', 'CVE-2026-3', 'CVE-2026-4'],
  since: '2026-01-01T00:00:00.000Z',
};

const view: OutdatedView = {
  reference: 'oci:web',
  digest: `sha256:${'a'.repeat(64)}`,
  distribution: 'debian/trixie',
  status: 'checked',
  reason: '',
  findings: [finding],
  grade: 'B',
  dropsAt: '2026-01-08T00:00:00.000Z',
};

test('outdated as text: grade, drop date, age; no colour unless asked', () => {
  const now = Date.parse('2026-01-03T00:00:00Z');
  const plain = renderOutdated([view], { now, colour: false });
  assert.match(plain, /grade B, drops on 2026-01-08: 1 update, 1 for security/);
  assert.match(
    plain,
    /openssl +amd64 +3\.5\.0-1 +3\.5\.1-1 +critical, security +2 d +CVE-2026-1 CVE-2026-2 CVE-2026-3 and 1 more/,
  );
  assert.ok(!plain.includes('\u001b'));
  const colour = renderOutdated([view], { now, colour: true });
  assert.ok(colour.includes('\u001b['));
  const none = { ...view, status: 'unsupported' as const, reason: 'no repository is known for plan9/4', findings: [] };
  assert.match(renderOutdated([none], { now, colour: false }), /unsupported: no repository is known for plan9\/4/);
});

test('outdated as JSON keeps the members others rely on', () => {
  const image = outdatedJson(view) as { findings: object[] };
  for (const key of ['reference', 'digest', 'distribution', 'findings']) assert.ok(key in image);
  const wanted = ['package', 'arch', 'installed', 'candidate', 'repository', 'security', 'advisories', 'since'];
  for (const key of wanted) assert.ok(key in (image.findings[0] as object), key);
});

test('whatever text comes in, a row stays one line without control sequences', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (texts) => {
      const lines = renderTable(texts, [
        { title: 'A', value: (text) => text },
        { title: 'B', value: () => 'end' },
      ]).split('\n');
      assert.equal(lines.length, texts.length + 1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      for (const line of lines) assert.ok(!/[\u0000-\u001f\u007f-\u009f]/.test(line));
    }),
  );
});

test('rows of one version and layer are one group', () => {
  const digest = 'sha256:x';
  const row = { package: 'a', type: 'deb', version: '1', arch: 'amd64', digest, layer: 'sha256:l', workloads: [] };
  const groups = groupWhere([
    { ...row, reference: 'one' },
    { ...row, reference: digest },
    { ...row, reference: 'two', layer: null },
  ]);
  assert.deepEqual(
    groups.map((group) => [group.layer, group.images.map((image) => image.reference)]),
    [
      ['sha256:l', ['one', null]],
      [null, ['two']],
    ],
  );
});

test('sizes and ages people can read', () => {
  assert.deepEqual([0, 999, 1000, 94_737_732, 999_999, 242_025_667].map(bytesText), [
    '0 B',
    '999 B',
    '1.00 kB',
    '94.7 MB',
    '1.00 MB',
    '242 MB',
  ]);
  assert.deepEqual(
    ['2026-01-03T12:00:00Z', '2026-01-01T00:00:00Z', 'x'].map((date) =>
      ageText(date, Date.parse('2026-01-03T13:00:00Z')),
    ),
    ['today', '2 d', ''],
  );
});

test('a base that is only guessed says so', () => {
  const known = { score: null, same: null, named: null, packages: null };
  const digest = `sha256:${'b'.repeat(64)}`;
  assert.match(
    baseLine({ digest, reference: 'debian:13', evidence: 'layers', ...known }),
    /^Base: debian:13 \S+ \(its layers\)$/,
  );
  assert.match(
    baseLine({ digest, reference: null, evidence: 'packages', score: 0.9, same: 4, named: 5, packages: 5 }),
    /^Base: probably \S+ \(score 0\.90: 4 of its 5 packages are here, 1 in another version; nothing acts on it\)$/,
  );
  assert.equal(baseLine(null), 'Base: none recognised');
});

test('of an SBOM the use of packages is unknown, and said to be', () => {
  const { findings } = outdatedJson({ ...view, isDocument: true }) as { findings: { usage: string }[] };
  assert.equal(findings[0]?.usage, 'unknown');
  const now = Date.parse('2026-01-03T00:00:00Z');
  const text = renderOutdated([{ ...view, isDocument: true }], { now, colour: false });
  assert.match(text, / USED /);
  assert.match(text, /critical, security +\? +2 d/);
  assert.doesNotMatch(renderOutdated([view], { now, colour: false }), / USED /);
});
