import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAll } from './testing.ts';

/** In the tracker's form; facts of the package's own changelog (2.36-9+deb12u3 is DSA-5514-1). */
const TRACKER = {
  glibc: {
    'CVE-2023-4911': {
      description: 'A buffer overflow was discovered in the GNU C Library dynamic loader',
      scope: 'local',
      releases: {
        bookworm: {
          status: 'resolved',
          repositories: { bookworm: '2.36-9+deb12u8', 'bookworm-security': '2.36-9+deb12u7' },
          fixed_version: '2.36-9+deb12u3',
          urgency: 'not yet assigned',
        },
        bullseye: {
          status: 'resolved',
          repositories: { bullseye: '2.31-13+deb11u11' },
          fixed_version: '2.31-13+deb11u7',
          urgency: 'high',
        },
        buster: { status: 'resolved', repositories: {}, fixed_version: '0', urgency: 'unimportant' },
      },
    },
    'CVE-2019-9192': {
      description: 'uncontrolled recursion',
      scope: 'remote',
      releases: {
        bookworm: { status: 'open', repositories: { bookworm: '2.36-9+deb12u8' }, urgency: 'unimportant' },
        trixie: { status: 'open', repositories: {}, urgency: 'low', nodsa: 'Minor issue', nodsa_reason: 'postponed' },
        sid: { status: 'undetermined', repositories: {}, urgency: 'not yet assigned' },
        BAD: { status: 'open' },
      },
    },
    'not an id': 7,
  },
  'bad name ': 'x',
};

test('the Debian security tracker: fixed, open, undetermined, never affected', async () => {
  const { type, advisories, problems } = await readAll(JSON.stringify(TRACKER));
  assert.equal(type, 'debian-tracker');
  assert.deepEqual(
    advisories.map((one) => one.id),
    ['CVE-2023-4911', 'CVE-2019-9192'],
  );
  const base = { kind: 'source', name: 'glibc' };
  assert.deepEqual(advisories[0]?.affected, [
    { ecosystem: 'debian/bookworm', ...base, status: 'fixed', fixed: '2.36-9+deb12u3' },
    { ecosystem: 'debian/bullseye', ...base, severity: 'high', status: 'fixed', fixed: '2.31-13+deb11u7' },
    {
      ecosystem: 'debian/buster',
      ...base,
      severity: 'none',
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
    },
  ]);
  assert.deepEqual(advisories[1]?.affected, [
    { ecosystem: 'debian/bookworm', ...base, severity: 'none', status: 'affected' },
    {
      ecosystem: 'debian/trixie',
      ...base,
      severity: 'low',
      status: 'affected',
      justification: 'postponed',
      statement: 'Minor issue',
    },
    { ecosystem: 'debian/sid', ...base, status: 'under_investigation' },
  ]);
  assert.deepEqual(advisories[0]?.urls, ['https://security-tracker.debian.org/tracker/CVE-2023-4911']);
  assert.equal(problems.length, 2);
});

test('Alpine secdb: source packages, several ids in one string, version 0', async () => {
  const { type, advisories, problems } = await readAll(
    JSON.stringify({
      apkurl: '{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk',
      archs: ['aarch64', 'x86_64'],
      reponame: 'main',
      urlprefix: 'https://dl-cdn.alpinelinux.org/alpine',
      distroversion: 'v3.20',
      packages: [
        {
          pkg: {
            name: 'openssl',
            secfixes: { '3.3.2-r0': ['CVE-2024-6119'], '0': ['CVE-2022-1292', 'CVE-2022-2097'] },
          },
        },
        {
          pkg: {
            name: 'xen',
            secfixes: { '4.18.2-r0': ['CVE-2024-2193 XSA-453'], '4.18.0-r2': ['XSA-447'], '1': [3, '!!'] },
          },
        },
        { pkg: { name: 'libretls', secfixes: { '3.7.0-r0': ['CVE-2024-6119'] } } },
        { pkg: {} },
      ],
    }),
  );
  assert.equal(type, 'secdb');
  const found = new Map(advisories.map((one) => [one.id, one]));
  assert.deepEqual([...found.keys()].sort(), [
    'CVE-2022-1292',
    'CVE-2022-2097',
    'CVE-2024-2193',
    'CVE-2024-6119',
    'XSA-447',
  ]);
  assert.deepEqual(found.get('CVE-2024-2193')?.aliases, ['XSA-453']);
  assert.deepEqual(found.get('CVE-2024-6119')?.affected, [
    { ecosystem: 'alpine/3.20', kind: 'source', name: 'openssl', status: 'fixed', fixed: '3.3.2-r0' },
    { ecosystem: 'alpine/3.20', kind: 'source', name: 'libretls', status: 'fixed', fixed: '3.7.0-r0' },
  ]);
  assert.equal(found.get('CVE-2022-1292')?.affected[0]?.status, 'not_affected');
  assert.equal(problems.length, 3);
});

/** By the schema's own example of a distribution's advisory and of a language package. */
const DSA = {
  schema_version: '1.7.0',
  id: 'DSA-5514-1',
  modified: '2023-10-03T18:00:00Z',
  published: '2023-10-03T17:00:00Z',
  upstream: ['CVE-2023-4911'],
  details: 'glibc - security update',
  affected: [
    {
      package: { ecosystem: 'Debian:12', name: 'glibc', purl: 'pkg:deb/debian/glibc?arch=source' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.36-9+deb12u3' }] }],
      ecosystem_specific: { urgency: 'high' },
    },
    {
      package: { ecosystem: 'Debian:11', name: 'glibc' },
      ranges: [
        { type: 'GIT', repo: 'https://example.org', events: [{ introduced: '0' }] },
        {
          type: 'ECOSYSTEM',
          events: [{ introduced: '2.31-1' }, { last_affected: '2.31-13+deb11u6' }, { introduced: '3' }],
        },
      ],
    },
    { package: { ecosystem: 'Android', name: 'x' }, versions: ['1'] },
  ],
  references: [
    { type: 'ADVISORY', url: 'https://www.debian.org/security/2023/dsa-5514' },
    { type: 'WEB', url: 'javascript:alert(1)' },
  ],
};
const GHSA = {
  id: 'GHSA-35jh-r3h4-6jhm',
  modified: '2024-02-16T08:20:46.114Z',
  published: '2021-05-06T16:05:51Z',
  withdrawn: '2021-02-30T00:00:00Z',
  aliases: ['CVE-2021-23337', 'GHSA-35jh-r3h4-6jhm'],
  related: ['CVE-1999-0001'],
  summary: 'Command Injection in lodash',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'npm', name: 'lodash' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }],
    },
  ],
  database_specific: { severity: 'HIGH' },
};

test('OSV: a document, a list, lines; ranges from events, score from the vector', async () => {
  const document = await readAll(JSON.stringify(DSA, undefined, 1));
  assert.equal(document.type, 'osv');
  const [dsa] = document.advisories;
  assert.deepEqual(dsa?.aliases, ['CVE-2023-4911']);
  assert.deepEqual(dsa?.affected, [
    {
      ecosystem: 'debian/bookworm',
      kind: 'source',
      name: 'glibc',
      severity: 'high',
      status: 'fixed',
      fixed: '2.36-9+deb12u3',
    },
    {
      ecosystem: 'debian/bullseye',
      kind: 'source',
      name: 'glibc',
      status: 'affected',
      introduced: '2.31-1',
      lastAffected: '2.31-13+deb11u6',
    },
    { ecosystem: 'debian/bullseye', kind: 'source', name: 'glibc', status: 'affected', introduced: '3' },
  ]);
  assert.deepEqual(dsa?.urls, ['https://www.debian.org/security/2023/dsa-5514']);
  const list = await readAll(JSON.stringify([DSA, GHSA, { id: 5 }]));
  assert.deepEqual(
    list.advisories.map((one) => one.id),
    ['DSA-5514-1', 'GHSA-35jh-r3h4-6jhm'],
  );
  assert.equal(list.problems.length, 1);
  const lines = await readAll(`${JSON.stringify(DSA)}\n\n${JSON.stringify(GHSA)}\n`);
  assert.deepEqual(lines.advisories, list.advisories);
  const [, ghsa] = lines.advisories;
  assert.deepEqual([ghsa?.severity, ghsa?.score], ['high', 7.2]);
  assert.deepEqual(ghsa?.aliases, ['CVE-2021-23337']);
  // 30 February is no date, so it was never withdrawn.
  assert.equal(ghsa?.withdrawn, undefined);
  assert.equal(ghsa?.published, '2021-05-06T16:05:51.000Z');
});

test('OpenVEX 0.2.0 and 0.0.1: images with packages inside, packages, whole images', async () => {
  const { type, advisories, problems } = await readAll(
    JSON.stringify({
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': 'https://openvex.dev/docs/example/vex-9fb3463de1b57',
      author: 'Team Web',
      timestamp: '2024-01-08T18:02:03.647787998-06:00',
      version: 1,
      statements: [
        {
          vulnerability: {
            '@id': 'https://nvd.nist.gov/vuln/detail/CVE-2023-4911',
            name: 'CVE-2023-4911',
            aliases: ['DSA-5514-1'],
          },
          products: [
            {
              '@id':
                'pkg:oci/web@sha256%3Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?repository_url=registry.example/team',
              subcomponents: [{ '@id': 'pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12' }],
            },
          ],
          status: 'not_affected',
          justification: 'vulnerable_code_not_in_execute_path',
          impact_statement: 'no set-uid program is in the image',
        },
        {
          vulnerability: { name: 'CVE-2024-0002' },
          products: [{ '@id': 'pkg:deb/debian/curl@7.88' }],
          status: 'not_affected',
        },
        {
          vulnerability: { name: 'CVE-2024-0003' },
          products: ['pkg:npm/%40scope/name@1.0.0'],
          status: 'under_investigation',
        },
        {
          vulnerability: { name: 'CVE-2024-0004' },
          products: [{ hashes: { 'sha-256': 'b'.repeat(64) } }],
          status: 'fixed',
        },
        { vulnerability: {}, status: 'fixed' },
      ],
    }),
  );
  assert.equal(type, 'openvex');
  assert.deepEqual(
    advisories.map((one) => [one.id, one.affected.length]),
    [
      ['CVE-2023-4911', 1],
      ['CVE-2024-0003', 1],
      ['CVE-2024-0004', 1],
    ],
  );
  assert.deepEqual(advisories[0]?.affected[0], {
    ...{ ecosystem: 'debian/bookworm', kind: 'any', name: 'libc6', status: 'not_affected', versions: ['2.36-9'] },
    justification: 'vulnerable_code_not_in_execute_path',
    statement: 'no set-uid program is in the image',
    product:
      'pkg:oci/web@sha256%3Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?repository_url=registry.example/team',
  });
  assert.equal(advisories[1]?.affected[0]?.name, '@scope/name');
  assert.equal(advisories[2]?.affected[0]?.product, `sha256:${'b'.repeat(64)}`);
  assert.equal(advisories[0]?.published, '2024-01-09T00:02:03.647Z');
  assert.equal(problems.length, 2);
  const old = await readAll(
    JSON.stringify({
      '@context': 'https://openvex.dev/ns',
      '@id': 'https://example.org/vex',
      timestamp: 'yesterday',
      statements: [
        {
          ...{
            vulnerability: 'CVE-2024-1',
            products: [`pkg:oci/a@sha256%3A${'a'.repeat(64)}`],
            subcomponents: ['pkg:apk/alpine/musl@1.2.5-r0?distro=alpine-3.20.1'],
          },
          ...{ status: 'not_affected', justification: 'component_not_present' },
        },
      ],
    }),
  );
  assert.deepEqual(
    [old.advisories[0]?.affected[0]?.ecosystem, old.advisories[0]?.published],
    ['alpine/3.20', undefined],
  );
});

const branch = (name: string, product: object): object => ({ category: 'product_version', name, product });
const CSAF = {
  document: {
    category: 'csaf_vex',
    csaf_version: '2.0',
    title: 'openssl: denial of service',
    aggregate_severity: { text: 'Low', namespace: 'https://access.redhat.com/security/updates/classification/' },
    tracking: {
      id: 'CVE-2023-5678',
      status: 'final',
      version: '1',
      initial_release_date: '2023-11-06T00:00:00+00:00',
      current_release_date: '2024-04-30T00:00:00+00:00',
    },
    references: [{ category: 'self', url: 'https://www.redhat.com/.well-known/csaf/v2/vex/2023/cve-2023-5678.json' }],
  },
  product_tree: {
    branches: [
      {
        category: 'vendor',
        name: 'Red Hat',
        branches: [
          branch('BaseOS', {
            product_id: 'BaseOS-9',
            name: 'Red Hat Enterprise Linux BaseOS (v. 9)',
            product_identification_helper: { cpe: 'cpe:/o:redhat:enterprise_linux:9::baseos' },
          }),
          branch('RHEL 7', {
            product_id: 'rhel-7',
            name: 'Red Hat Enterprise Linux 7',
            product_identification_helper: { cpe: 'cpe:/o:redhat:enterprise_linux:7' },
          }),
          branch('OpenShift', {
            product_id: 'ocp',
            name: 'Red Hat OpenShift 4',
            product_identification_helper: { cpe: 'cpe:/a:redhat:openshift:4' },
          }),
          branch('openssl', {
            product_id: 'openssl-1:3.0.7-27.el9.x86_64',
            name: 'openssl-1:3.0.7-27.el9.x86_64',
            product_identification_helper: { purl: 'pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=x86_64&epoch=1' },
          }),
          branch('libs', { product_id: 'libs', name: 'openssl-libs-1:3.0.7-27.el9.aarch64' }),
          branch('openssl-src', {
            product_id: 'openssl',
            name: 'openssl',
            product_identification_helper: { purl: 'pkg:rpm/redhat/openssl?arch=src' },
          }),
        ],
      },
    ],
    relationships: [
      ['BaseOS-9:openssl', 'openssl-1:3.0.7-27.el9.x86_64', 'BaseOS-9'],
      ['BaseOS-9:libs', 'libs', 'BaseOS-9'],
      ['rhel-7:openssl', 'openssl', 'rhel-7'],
      ['ocp:openssl', 'openssl', 'ocp'],
    ].map(([id, component, platform]) => ({
      category: 'default_component_of',
      full_product_name: { product_id: id, name: `${component} as a component of ${platform}` },
      product_reference: component,
      relates_to_product_reference: platform,
    })),
    product_groups: [{ group_id: 'g', product_ids: ['rhel-7:openssl'] }],
  },
  vulnerabilities: [
    {
      cve: 'CVE-2023-5678',
      ids: [{ system_name: 'Red Hat Bugzilla ID', text: '2248616' }],
      product_status: {
        fixed: ['BaseOS-9:openssl', 'BaseOS-9:libs'],
        known_not_affected: ['rhel-7:openssl', 'ocp:openssl'],
      },
      flags: [{ label: 'vulnerable_code_not_present', group_ids: ['g'] }],
      scores: [
        { cvss_v3: { baseScore: 5.3, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L' }, products: [] },
      ],
      threats: [
        { category: 'impact', details: 'Moderate', product_ids: ['BaseOS-9:openssl'] },
        { category: 'impact', details: 'DH is not used', product_ids: ['rhel-7:openssl'] },
      ],
    },
  ],
};

test('CSAF: relations put packages into distributions, flags justify, other products are none of ours', async () => {
  const { type, advisories } = await readAll(JSON.stringify(CSAF));
  assert.equal(type, 'csaf');
  assert.equal(advisories.length, 1);
  assert.deepEqual([advisories[0]?.severity, advisories[0]?.score], ['medium', 5.3]);
  assert.deepEqual(advisories[0]?.affected, [
    {
      ecosystem: 'rhel/7',
      kind: 'source',
      name: 'openssl',
      status: 'not_affected',
      statement: 'DH is not used',
      justification: 'vulnerable_code_not_present',
    },
    { ecosystem: 'rhel/9', kind: 'any', name: 'openssl', status: 'fixed', fixed: '1:3.0.7-27.el9' },
    { ecosystem: 'rhel/9', kind: 'binary', name: 'openssl-libs', status: 'fixed', fixed: '1:3.0.7-27.el9' },
  ]);
});
