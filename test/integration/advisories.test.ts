/** Imported advisories on the command line: they rate and explain what repositories offer, and never add to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAdvisoryHome } from '../support/advisory-home.ts';

interface Finding {
  readonly package: string;
  readonly severity: string;
  readonly advisories: readonly string[];
  readonly score?: number;
  readonly notAffected?: readonly { readonly id: string; readonly justification: string }[];
}

test('feeds on the command line: import, list, update, remove, and what outdated says with them', async (context) => {
  const home = await openAdvisoryHome(context);
  const outdated = async (): Promise<{ grade: string; findings: readonly Finding[] }> => {
    const ended = await home.run(['outdated', home.image, ...home.sources, '--format', 'json']);
    assert.equal(ended.code, 0, ended.stderr);
    return JSON.parse(ended.stdout).images[0];
  };
  const before = await outdated();
  assert.equal(before.grade, 'C', 'critical by urgency, ten days old');
  assert.deepEqual(
    before.findings.map((finding) => [finding.package, finding.severity, finding.advisories]),
    [
      ['libone', 'critical', ['CVE-2026-10001', 'CVE-2026-10002']],
      ['libtwo', 'critical', ['CVE-2026-20001']],
    ],
  );

  const fixed = (version: string, urgency: string): object => ({
    releases: { trixie: { status: 'resolved', repositories: {}, fixed_version: version, urgency } },
  });
  const tracker = await home.write('tracker.json', {
    libone: {
      'CVE-2026-10001': fixed('1.0-1+deb13u1', 'medium'),
      'CVE-2026-10002': fixed('1.0-1+deb13u1', 'low'),
      'CVE-2026-10003': fixed('1.0-1+deb13u1', 'low'),
      'CVE-2026-10004': fixed('1.0-1+deb13u2', 'high'),
    },
    // Nothing installed, nothing offered: no finding comes of it.
    libthree: { 'CVE-2026-30001': fixed('3', 'high') },
  });
  const vex = await home.write('vex.json', {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.org/vex',
    timestamp: '2026-01-01T00:00:00Z',
    statements: [
      {
        vulnerability: { name: 'CVE-2026-20001' },
        products: [
          {
            '@id': `pkg:oci/one@${encodeURIComponent(home.digest)}`,
            subcomponents: [{ '@id': 'pkg:deb/debian/libtwo?distro=trixie' }],
          },
        ],
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
        impact_statement: 'nothing loads it',
      },
      {
        vulnerability: { name: 'CVE-2026-10001' },
        products: [{ '@id': `pkg:oci/other@sha256%3A${'0'.repeat(64)}` }],
        status: 'not_affected',
        justification: 'component_not_present',
      },
    ],
  });
  const imported = await home.run(['feed', 'import', tracker, vex, '--format', 'json']);
  assert.equal(imported.code, 0, imported.stderr);
  assert.deepEqual(
    JSON.parse(imported.stdout).feeds.map((feed: { result: string; types: string[]; advisories: number }) => [
      feed.result,
      feed.types,
      feed.advisories,
    ]),
    [
      ['imported', ['debian-tracker'], 5],
      ['imported', ['openvex'], 2],
    ],
  );
  assert.match((await home.run(['feed', 'import', tracker])).stdout, /unchanged/);

  const after = await outdated();
  assert.deepEqual(
    after.findings.map((finding) => [finding.package, finding.severity, finding.advisories]),
    [
      ['libone', 'other', ['CVE-2026-10001', 'CVE-2026-10002', 'CVE-2026-10003']],
      ['libtwo', 'other', ['CVE-2026-20001']],
    ],
  );
  assert.deepEqual(after.findings[1]?.notAffected, [
    { id: 'CVE-2026-20001', justification: 'vulnerable_code_not_in_execute_path', statement: 'nothing loads it' },
  ]);
  assert.equal(after.findings[0]?.notAffected, undefined, 'a statement on another image says nothing of this one');
  assert.equal(after.grade, 'A');
  const passes = await home.run(['outdated', home.image, ...home.sources, '--fail-on', 'critical']);
  assert.equal(passes.code, 0);
  assert.match(passes.stdout, /CVE-2026-20001 libtwo: vulnerable_code_not_in_execute_path: nothing loads it/);
  const fails = await home.run(['outdated', home.image, ...home.sources, '--fail-on', 'security']);
  assert.equal(fails.code, 1, 'libone is still a security update');

  const only = await home.run(['outdated', home.image, '--advisories-only', '--format', 'json']);
  assert.deepEqual(
    JSON.parse(only.stdout).images[0].advisories.map((one: { id: string; fixed: string }) => [one.id, one.fixed]),
    [
      ['CVE-2026-10001', '1.0-1+deb13u1'],
      ['CVE-2026-10002', '1.0-1+deb13u1'],
      ['CVE-2026-10003', '1.0-1+deb13u1'],
      ['CVE-2026-10004', '1.0-1+deb13u2'],
    ],
    only.stderr,
  );

  const scored = await home.write('osv.json', {
    ...{
      id: 'CVE-2026-10002',
      modified: '2026-01-01T00:00:00Z',
      severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    },
    affected: [
      {
        package: { ecosystem: 'Debian:13', name: 'libone' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.0-1+deb13u1' }] }],
      },
    ],
  });
  assert.equal((await home.run(['feed', 'import', scored])).code, 0);
  const rescored = (await outdated()).findings[0];
  assert.deepEqual([rescored?.severity, rescored?.score], ['critical', 9.8]);

  await home.write('osv.json', { id: 'CVE-2026-10002', modified: '2026-01-02T00:00:00Z', affected: [] });
  await home.write('vex.json', '{"@context": "https://openvex.dev/ns", "statements": [');
  const update = await home.run(['feed', 'update']);
  assert.deepEqual([update.code, /vex\.json keeps what it said before/.test(update.stderr)], [3, true]);
  assert.match(update.stdout, /osv\.json: 1 advisory/);
  const list = JSON.parse((await home.run(['feed', 'list', '--format', 'json'])).stdout);
  assert.deepEqual(
    list.feeds.map((feed: { advisories: number }) => feed.advisories),
    [1, 5, 2],
  );
  assert.equal((await home.run(['feed', 'remove', tracker, vex, scored])).code, 0);
  assert.deepEqual((await outdated()).findings, before.findings);
  assert.equal((await home.run(['feed', 'remove', tracker])).code, 2);
  assert.equal((await home.run(['feed', 'update', tracker])).code, 2);
  assert.equal((await home.run(['feed', 'import', tracker, '--distribution', 'x'])).code, 2);
});
