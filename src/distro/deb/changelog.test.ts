import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advisoriesBetween, parseChangelogDate, readChangelog } from './changelog.ts';

const CHANGELOG = `openssl (3.0.17-1~deb12u3) bookworm-security; urgency=medium

  * CVE-2025-9230 (Out-of-bounds read & write in RFC 3211 KEK Unwrap)
  * Also cve-2025-10000, CVE-2025-9230 again.

 -- Sebastian <s@example.org>  Sat, 27 Sep 2025 17:11:08 +0200

openssl (3.0.17-1~deb12u2) bookworm; urgency=HIGH, binary-only=yes

  * New upstream
    - CVE-2024-1 is too short, CVE-2024-0001 is not

 -- Sebastian <s@example.org>  Mon, 1 September 2025 08:00:00 +0000

openssl (3.0.16-1) unstable testing; urgency=low

  * Nothing.

 -- Sebastian <s@example.org> at some time

Old Changelog:
free text
`;

test('entries, urgencies, dates, advisories', () => {
  const entries = readChangelog(Buffer.from(CHANGELOG));
  assert.deepEqual(entries, [
    {
      source: 'openssl',
      version: '3.0.17-1~deb12u3',
      distributions: 'bookworm-security',
      urgency: 'medium',
      date: Date.UTC(2025, 8, 27, 15, 11, 8) / 1000,
      advisories: ['CVE-2025-9230', 'CVE-2025-10000'],
    },
    {
      source: 'openssl',
      version: '3.0.17-1~deb12u2',
      distributions: 'bookworm',
      urgency: 'high',
      date: Date.UTC(2025, 8, 1, 8) / 1000,
      advisories: ['CVE-2024-0001'],
    },
    {
      source: 'openssl',
      version: '3.0.16-1',
      distributions: 'unstable testing',
      urgency: 'low',
      date: undefined,
      advisories: [],
    },
  ]);
});

test('what lies between installed and candidate', () => {
  const entries = readChangelog(Buffer.from(CHANGELOG));
  assert.deepEqual(advisoriesBetween(entries, '3.0.16-1', '3.0.17-1~deb12u3'), {
    advisories: ['CVE-2024-0001', 'CVE-2025-9230', 'CVE-2025-10000'],
    since: Date.UTC(2025, 8, 1, 8) / 1000,
  });
  assert.deepEqual(advisoriesBetween(entries, '3.0.16-1', '3.0.17-1~deb12u2').advisories, ['CVE-2024-0001']);
  assert.deepEqual(advisoriesBetween(entries, '3.0.17-1~deb12u3', '3.0.17-1~deb12u3'), {
    advisories: [],
    since: undefined,
  });
});

test('uploads to unstable were never on offer in a stable release', () => {
  const entry = (version: string, distributions: string, date: number) => {
    return { source: 's', version, distributions, urgency: 'low', date, advisories: [] };
  };
  const own = entry('3~deb12u1', 'bookworm', 30);
  const foreign = entry('2', 'unstable', 20);
  assert.equal(advisoriesBetween([own, foreign], '1', '3~deb12u1').since, 30);
  assert.equal(advisoriesBetween([foreign], '1', '3').since, 20);
});

test('dates as they are found', () => {
  assert.equal(parseChangelogDate('Thu, 01 Jan 1970 00:00:10 -0130'), 5410);
  assert.equal(parseChangelogDate('1 Jan 1970 00:00 UTC'), 0);
  assert.equal(parseChangelogDate('Thu, 01 Foo 1970 00:00:10 +0000'), undefined);
  assert.equal(parseChangelogDate(''), undefined);
});

test('nonsense is an empty changelog', () => {
  for (const text of ['', '\n\n', 'free text', ' -- nobody <x>  Thu, 01 Jan 1970 00:00:10 +0000', '\0\xff']) {
    assert.deepEqual(readChangelog(Buffer.from(text)), []);
  }
});
