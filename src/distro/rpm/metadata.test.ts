import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { packageOfRow, readPrimary } from './primary.ts';
import { readRepomd } from './repomd.ts';

const SUM = 'ab'.repeat(32);

const repomd = (data: string): Buffer =>
  Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
<revision>1700000000</revision>${data}</repomd>`);

const data = (type: string, href: string, more: { sum?: string; algorithm?: string; size?: string } = {}): string =>
  `<data type="${type}"><checksum type="${more.algorithm ?? 'sha256'}">${more.sum ?? SUM}</checksum>
  <open-checksum type="sha256">${SUM}</open-checksum><location href="${href}"/><timestamp>1700000100</timestamp>
  <size>${more.size ?? '12'}</size><open-size>34</open-size></data>`;

const PRIMARY = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="3">
<package type="rpm"><name>a</name><arch>x86_64</arch><version epoch="2" ver="1.0" rel="3.el9"/>
<checksum type="sha256" pkgid="YES">${SUM}</checksum><summary>s &amp; t</summary><description>d</description>
<time file="1700000000" build="1600000000"/><size package="10" installed="2049" archive="5"/>
<location href="Packages/a.rpm"/><format><rpm:license>MIT</rpm:license><rpm:group>G</rpm:group>
<rpm:sourcerpm>src-1.0-3.el9.src.rpm</rpm:sourcerpm><rpm:provides><rpm:entry name="p"/></rpm:provides>
<rpm:obsoletes><rpm:entry name="o" flags="LT" epoch="0" ver="5"/><rpm:entry name="q"/></rpm:obsoletes></format></package>
<package type="rpm"><name>b</name><arch>src</arch><version epoch="0" ver="1" rel="1"/></package>
<package type="rpm"><name>c</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>
<checksum type="sha512">${SUM}${SUM}</checksum><location href="../../etc/passwd"/></package>
</metadata>`);

const refused = (error: unknown): boolean =>
  isHeraklitError(error, 'DISTRO_INDEX_INVALID') || assert.fail(String(error));

test('repomd.xml: files with strong checksums, the newest date', async () => {
  const found = await readRepomd(
    repomd(data('primary', 'repodata/p.xml.gz') + data('other', 'x', { algorithm: 'sha', sum: 'ab' })),
    'repomd.xml',
  );
  assert.deepEqual(
    [...found.files],
    [['primary', { path: 'repodata/p.xml.gz', algorithm: 'sha256', checksum: SUM, size: 12, openSize: 34 }]],
  );
  assert.equal(found.date, 1_700_000_100);
});

test('repomd.xml: what leads out of the repository or cannot be checked is refused', async () => {
  for (const href of ['../x', '/etc/passwd', 'http://other.example/x', 'a//b', 'a/../b', '', 'a\\b']) {
    await assert.rejects(readRepomd(repomd(data('primary', href)), 'r'), refused, href);
  }
  for (const more of [{ sum: 'zz' }, { sum: `${SUM}00` }, { size: '-1' }, { size: '99999999999999' }, { size: 'x' }]) {
    await assert.rejects(readRepomd(repomd(data('primary', 'p', more)), 'r'), refused, JSON.stringify(more));
  }
  const bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><repomd>&b;</repomd>';
  const deep = `<repomd>${'<a>'.repeat(100)}${'</a>'.repeat(100)}</repomd>`;
  const many = repomd(Array.from({ length: 300 }, (_, n) => data(`t${n}`, 'p')).join('')).toString();
  for (const text of [bomb, deep, '<other/>', 'nonsense', '', '<repomd>', many, '<repomd>\xff</repomd>']) {
    await assert.rejects(readRepomd(Buffer.from(text, 'latin1'), 'r'), refused);
  }
});

test('primary.xml: binary packages with epochs, sources, sizes, obsoletes', async () => {
  const rows = await readPrimary(PRIMARY, 'primary.xml');
  const [a, c] = rows.map((row) => packageOfRow(row, { repository: 'r', security: false }));
  assert.equal(rows.length, 2);
  assert.deepEqual(
    [a?.name, a?.version, a?.architecture, a?.source, a?.filename, a?.size, a?.sha256, a?.installedSize, a?.section],
    ['a', '2:1.0-3.el9', 'x86_64', { name: 'src', version: '1.0-3.el9' }, 'Packages/a.rpm', 10, SUM, 3, 'G'],
  );
  assert.deepEqual(a?.relations.replaces, [[{ name: 'o', operator: '<<', version: '5' }], [{ name: 'q' }]]);
  assert.deepEqual([c?.version, c?.filename, c?.sha256], ['1-1', '', '']);
  await assert.rejects(readPrimary(Buffer.from('<other/>'), 'p'), refused);
});

test('cut off or with flipped bits, both are read or refused', async () => {
  const REPOMD = repomd(data('primary', 'repodata/p.xml.gz'));
  for (const [bytes, read] of [
    [REPOMD, (broken: Buffer): Promise<unknown> => readRepomd(broken, 'r')],
    [PRIMARY, (broken: Buffer): Promise<unknown> => readPrimary(broken, 'p')],
  ] as const) {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
        const broken = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
        if (!cut) broken[at] = value;
        await read(broken).catch((error: unknown) => assert.ok(refused(error)));
      }),
      { numRuns: 200 },
    );
  }
});
