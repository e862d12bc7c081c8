import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions } from '../distro/index.ts';
import { type AdvisoryEntry, affecting, explainUpdate } from './match.ts';
import type { AffectedPackage } from './types.ts';

const entry = (id: string, affected: Partial<AffectedPackage>, aliases: readonly string[] = []): AdvisoryEntry => ({
  advisory: { id, aliases, severity: undefined, score: undefined, published: undefined, urls: [] },
  affected: { ecosystem: 'debian/bookworm', kind: 'source', name: 'glibc', status: 'fixed', ...affected },
});
const libc6 = (version: string) => ({ name: 'libc6', version, source: { name: 'glibc', version } });
const ids = (entries: readonly AdvisoryEntry[]): readonly string[] => entries.map(({ advisory }) => advisory.id);

test('an update fixes what the installed version has and the candidate no longer', () => {
  const entries = [
    entry('before', { fixed: '2.36-9+deb12u2' }),
    entry('between', { fixed: '2.36-9+deb12u3' }),
    entry('at-candidate', { fixed: '2.36-9+deb12u8' }),
    entry('later', { fixed: '2.36-9+deb12u9' }),
    entry('introduced-later', { introduced: '2.37', fixed: '2.38' }),
    entry('binary', { kind: 'binary', name: 'libc6', fixed: '2.36-9+deb12u5' }),
    entry('other-binary', { kind: 'binary', name: 'glibc', fixed: '2.36-9+deb12u5' }),
    entry('any', { kind: 'any', name: 'libc6', fixed: '2.36-9+deb12u5' }),
    entry('open', { status: 'affected' }),
    entry('no-version', { fixed: '!!' }),
  ];
  const { fixes } = explainUpdate(entries, libc6('2.36-9+deb12u2'), libc6('2.36-9+deb12u8'), compareVersions);
  assert.deepEqual(ids(fixes), ['between', 'at-candidate', 'binary', 'any']);
});

test('what is said to be no issue is told by every name it has, for its versions alone', () => {
  const entries = [
    entry('CVE-1', { status: 'not_affected', justification: 'component_not_present' }, ['DSA-1']),
    entry('CVE-2', { status: 'not_affected', versions: ['1'] }),
    entry('CVE-3', { status: 'not_affected', versions: ['2.36-9'] }),
  ];
  const { notAffected } = explainUpdate(entries, libc6('2.36-9'), libc6('2.37-1'), compareVersions);
  assert.deepEqual([...notAffected.keys()], ['CVE-1', 'DSA-1', 'CVE-3']);
});

test('what affects an installed version, fixed or not', () => {
  const entries = [
    entry('open', { status: 'affected' }),
    entry('fixed-later', { fixed: '3' }),
    entry('fixed', { fixed: '2' }),
    entry('last', { status: 'affected', lastAffected: '2.1' }),
    entry('gone', { status: 'affected', lastAffected: '2.0' }),
    entry('cleared', { status: 'affected' }),
    entry('cleared', { status: 'not_affected' }),
    entry('studied', { status: 'under_investigation' }),
  ];
  assert.deepEqual(ids(affecting(entries, libc6('2.1'), compareVersions)), ['open', 'fixed-later', 'last']);
});
