import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../base/index.ts';
import { releaseAsOf, snapshotUrl } from './as-of.ts';
import { createFailover } from './failover.ts';
import type { ReleaseContext } from './fetch-release.ts';
import type { Pocket } from './pockets.ts';
import { type CachedRelease, writeCachedRelease } from './release-cache.ts';
import { recordedReleases, recordRelease } from './release-history.ts';
import { extraRepositoryName, releaseFolder, releaseId, snapshotId } from './release-place.ts';

const POCKET: Pocket = {
  ...{ distribution: 'debian/trixie', pocket: 'release', suite: 'trixie', archive: 'main', security: false },
};
const KEYRING = { name: 'test', id: 'test', keys: async () => [] };

function state(from: string, until: string, digest: string): CachedRelease {
  const date = new Date(from).toUTCString().replace('GMT', 'UTC');
  const hash = '0'.repeat(64);
  return {
    text: `Suite: stable\nCodename: trixie\nDate: ${date}\nSHA256:\n ${hash} 5 main/binary-amd64/Packages\n`,
    ...{ url: 'https://example.org/', etag: undefined, lastModified: undefined, keyring: 'test', signedBy: ['A'] },
    checked: Date.parse(until),
    digest: digest.padEnd(64, digest),
  };
}

test('a state counts from its own date until a mirror last called it current, and two days longer', async (context) => {
  const cache = mkdtempSync(join(tmpdir(), 'as-of-'));
  context.after(() => rmSync(cache, { recursive: true }));
  await recordRelease(cache, 'debian/trixie', state('2026-01-10', '2026-01-20', 'a'));
  await recordRelease(cache, 'debian/trixie', state('2026-02-10', '2026-02-11', 'b'));
  await writeCachedRelease(cache, 'debian/trixie', state('2026-02-20', '2026-03-01', 'c'));
  writeFileSync(join(cache, 'releases', 'history', 'debian_trixie', '0-broken.zst'), 'x');
  assert.equal((await recordedReleases(cache, 'debian/trixie')).length, 3);
  const options: ReleaseContext = {
    ...{ cache, clock: systemClock, keyring: KEYRING, trusted: false, offline: true, maxAge: 0 },
    failover: createFailover('test'),
  };
  const at = async (time: string, more: Partial<ReleaseContext> = {}): Promise<string> =>
    (await releaseAsOf(POCKET, Date.parse(time) / 1000, undefined, { ...options, ...more })).release.digest[0] ?? '';
  assert.equal(await at('2026-01-10T00:00:00Z'), 'a');
  assert.equal(await at('2026-01-21'), 'a');
  assert.equal(await at('2026-02-12'), 'b');
  assert.equal(await at('2026-02-28'), 'c');
  const missing = { code: 'FEED_NO_SNAPSHOT', hint: /2026-01-10 – 2026-01-20, 2026-02-10 – 2026-02-11/ };
  for (const time of ['2026-01-09', '2026-01-23', '2026-02-15', '2026-03-10']) await assert.rejects(at(time), missing);
  // A verdict of another keyring is not taken over.
  const other = { keyring: { ...KEYRING, id: 'other' } };
  await assert.rejects(at('2026-01-10', other), { code: 'FEED_NO_SNAPSHOT', hint: /recorded no state/ });
});

test('a snapshot mirror is asked in Debian’s layout, or by a template', () => {
  const asOf = Date.parse('2026-01-31T23:59:59Z') / 1000;
  const url = (mirror: string, archive: 'main' | 'security' = 'main'): string =>
    snapshotUrl(mirror, { distribution: 'debian/trixie', archive }, asOf);
  assert.equal(url('https://s.example.org/'), 'https://s.example.org/archive/debian/20260131T235959Z');
  assert.equal(
    url('https://s.example.org', 'security'),
    'https://s.example.org/archive/debian-security/20260131T235959Z',
  );
  assert.equal(url('file:///s/{timestamp}/{archive}/'), 'file:///s/20260131T235959Z/debian');
});

test('extra repositories lie beside a distribution’s own, by other names', () => {
  const extra: Pocket = { ...POCKET, suite: './', extra: { name: 'vendor', urls: ['https://example.org'] } };
  assert.equal(releaseFolder(POCKET), 'dists/trixie/');
  assert.equal(releaseFolder(extra), '');
  assert.equal(releaseFolder({ suite: './debs/' }), 'debs/');
  assert.equal(releaseId(POCKET), 'debian/trixie');
  assert.match(releaseId(extra), /^debian\/\+vendor-[0-9a-f]{16}$/);
  assert.notEqual(releaseId(extra), releaseId({ ...extra, suite: 'x/' }));
  assert.equal(extraRepositoryName(snapshotId(extra, 'flat', 'amd64')), 'vendor');
  assert.equal(extraRepositoryName(snapshotId(POCKET, 'main', 'amd64')), undefined);
});
