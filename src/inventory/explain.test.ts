import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdvisoryEntry, AffectedPackage } from '../advisory/index.ts';
import { compareVersions } from '../distro/index.ts';
import { explanationOf } from './explain.ts';
import { severityOf } from './grade.ts';

const entry = (
  id: string,
  affected: Partial<AffectedPackage>,
  facts: Partial<AdvisoryEntry['advisory']> = {},
): AdvisoryEntry => ({
  advisory: { id, aliases: [], severity: undefined, score: undefined, published: undefined, urls: [], ...facts },
  affected: { ecosystem: 'debian/bookworm', kind: 'source', name: 'glibc', status: 'fixed', ...affected },
});
const libc6 = (version: string) => ({ name: 'libc6', version, source: { name: 'glibc', version } });
const explain = (entries: readonly AdvisoryEntry[], isThisImage?: (product: string) => boolean) =>
  explanationOf(entries, libc6('1'), libc6('5'), compareVersions, isThisImage);

test('an advisory stands for the CVE ids it names; a CVE entry’s own rating goes first', () => {
  const { fixes, ratings, scores } = explain([
    entry('DSA-1-1', { fixed: '3' }, { aliases: ['CVE-2024-0001', 'CVE-2024-0002', 'GHSA-x'], severity: 'critical' }),
    entry('CVE-2024-0001', { fixed: '3', severity: 'low' }, { score: 9.8, severity: 'high' }),
    entry('ALPINE-1', { fixed: '2' }),
  ]);
  assert.deepEqual([...fixes].sort(), ['ALPINE-1', 'CVE-2024-0001', 'CVE-2024-0002']);
  assert.deepEqual([ratings.get('CVE-2024-0001'), ratings.get('CVE-2024-0002')], ['low', 'critical']);
  assert.equal(scores.get('CVE-2024-0001'), 9.8);
});

test('statements on an image hold for that image alone', () => {
  const product = `sha256:${'a'.repeat(64)}`;
  const entries = [
    entry('CVE-2024-0001', {
      status: 'not_affected',
      justification: 'component_not_present',
      statement: 'none of it',
      product,
    }),
    entry('CVE-2024-0002', { ecosystem: '', name: '', status: 'fixed', product }),
    entry('CVE-2024-0003', { ecosystem: '', name: '', status: 'affected', product }),
    entry('CVE-2024-0004', { status: 'not_affected' }),
  ];
  assert.deepEqual([...explain(entries).notAffected.keys()], ['CVE-2024-0004']);
  const here = explain(entries, (named) => named === product).notAffected;
  assert.deepEqual([...here.keys()], ['CVE-2024-0001', 'CVE-2024-0004', 'CVE-2024-0002']);
  assert.deepEqual(here.get('CVE-2024-0001'), {
    id: 'CVE-2024-0001',
    justification: 'component_not_present',
    statement: 'none of it',
  });
  assert.equal(here.get('CVE-2024-0002')?.justification, 'fixed');
});

test('severity: ratings of all decide, ratings of some only worsen, what is no issue counts for nothing', () => {
  const update = { security: true, urgencies: ['high'], advisories: ['CVE-1', 'CVE-2'] };
  const rated = (one: 'critical' | 'high' | 'medium' | 'low', two?: 'critical' | 'high' | 'medium') =>
    severityOf({
      ...update,
      ratings: new Map([['CVE-1', one], ...(two === undefined ? [] : ([['CVE-2', two]] as const))]),
    });
  assert.equal(severityOf(update), 'critical');
  assert.equal(rated('medium', 'medium'), 'other');
  assert.equal(rated('high', 'medium'), 'important');
  assert.equal(rated('low', 'critical'), 'critical');
  assert.equal(rated('low'), 'critical', 'the uploader’s urgency stands for what nobody rated');
  assert.equal(severityOf({ ...update, urgencies: [], ratings: new Map([['CVE-1', 'critical']]) }), 'critical');
  assert.equal(severityOf({ ...update, notAffected: new Set(['CVE-1', 'CVE-2']) }), 'other');
  assert.equal(severityOf({ ...update, urgencies: [], notAffected: new Set(['CVE-1']) }), 'important');
});
