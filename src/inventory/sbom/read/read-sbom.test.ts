import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../../base/index.ts';
import { inspectImage } from '../../inspect-image.ts';
import { OS_RELEASE, stanza, status } from '../../testing/debian-root.ts';
import { memoryImage } from '../../testing/memory-image.ts';
import type { ImageContents } from '../../types.ts';
import { toCycloneDx } from '../cyclonedx.ts';
import { toSpdx } from '../spdx.ts';
import { toSpdx3 } from '../spdx3.ts';
import { readSbom } from './read-sbom.ts';

const contents = await inspectImage(
  memoryImage([
    {
      'etc/os-release': OS_RELEASE,
      'var/lib/dpkg/status': status(
        stanza('libc6', '2.41-12', { 'Multi-Arch': 'same', Source: 'glibc' }),
        stanza('libc6', '2.41-12', { 'Multi-Arch': 'same', Source: 'glibc', Architecture: 'i386' }),
        stanza('libstdc++6', '14.2.0-19+b1', { Source: 'gcc-14 (14.2.0-19)', Depends: 'libc6 (>= 2.38)' }),
        stanza('mail', '1:2.0~rc1', { Maintainer: 'Böb "x" <b@example.org>' }),
      ),
      'app/node_modules/@a/b/package.json': '{"name":"@a/b","version":"1.2.3"}',
    },
  ]),
);

/** What every format carries. */
const essence = (of: ImageContents) => ({
  digest: of.digest,
  distribution: of.distribution?.name,
  architecture: of.architecture,
  ecosystem: of.ecosystem,
  packages: of.packages.map(({ name, version, architecture, source, maintainer }) => ({
    ...{ name, version, architecture, source, maintainer },
  })),
  languages: of.languagePackages.map(({ ecosystem, name, version, purl, state }) => ({
    ...{ ecosystem, name, version, purl, state },
  })),
});

const read = (document: unknown): ImageContents =>
  readSbom(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)));

for (const [format, write] of Object.entries({ toCycloneDx, toSpdx, toSpdx3 })) {
  test(`${format}: what is written is read back`, () => {
    const back = read(write(contents, { reference: 'registry.example.com/web:1', toolVersion: '1' }));
    assert.deepEqual(essence(back), essence(contents));
    assert.deepEqual(back.incomplete, []);
  });
}

test('CycloneDX reads its places and layers back', () => {
  const [item] = read(toCycloneDx(contents, { toolVersion: '1' })).languagePackages;
  assert.deepEqual(item?.locations, [
    { path: 'app/node_modules/@a/b/package.json', evidence: 'sbom', layer: contents.layers[0]?.diffId },
  ]);
});

test('documents as Trivy and Syft write them: source packages, epochs, digests, distribution', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const trivy = read({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: {
      component: {
        type: 'container',
        name: 'example.com/web',
        properties: [{ name: 'aquasecurity:trivy:RepoDigest', value: `example.com/web@${digest}` }],
      },
    },
    components: [
      { type: 'operating-system', name: 'rocky', version: '9.4' },
      {
        type: 'library',
        name: 'bash',
        version: '5.1.8-9.el9',
        purl: 'pkg:rpm/rocky/bash@5.1.8-9.el9?arch=x86_64&distro=rocky-9.4&epoch=1',
        properties: [
          { name: 'aquasecurity:trivy:SrcName', value: 'bash-src' },
          { name: 'aquasecurity:trivy:SrcVersion', value: '5.1.8' },
          { name: 'aquasecurity:trivy:SrcRelease', value: '9.el9' },
        ],
        components: [{ type: 'library', name: 'inner', version: '2', purl: 'pkg:pypi/Inner_Name@2' }],
      },
      { type: 'application', name: 'app/package-lock.json' },
      { type: 'library', name: 'x', version: '1', purl: 'pkg:github/o/x@1' },
      { type: 'library', name: 'y', version: '1', purl: 'not a purl' },
    ],
  });
  assert.equal(trivy.digest, digest);
  assert.equal(trivy.distribution?.name, 'rocky/9');
  assert.deepEqual(
    trivy.packages.map(({ name, version, source }) => [name, version, source.name, source.version]),
    [['bash', '1:5.1.8-9.el9', 'bash-src', '5.1.8-9.el9']],
  );
  assert.deepEqual(
    trivy.languagePackages.map(({ purl }) => purl),
    ['pkg:pypi/inner-name@2'],
  );
  assert.deepEqual(trivy.incomplete.map(({ reason }) => reason).sort(), [
    '1 component of type github',
    '1 component whose package URL does not parse',
    '1 component without a package URL',
  ]);
  const syft = read({
    spdxVersion: 'SPDX-2.3',
    packages: [
      {
        SPDXID: 'SPDXRef-image',
        name: 'alpine',
        versionInfo: digest,
        primaryPackagePurpose: 'CONTAINER',
      },
      {
        SPDXID: 'SPDXRef-musl',
        name: 'musl',
        versionInfo: '1.2.5-r0',
        externalRefs: [
          { referenceType: 'cpe23Type', referenceLocator: 'cpe:2.3:a:musl' },
          {
            referenceType: 'purl',
            referenceLocator: 'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.22.1&upstream=musl-src',
          },
        ],
      },
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-image' },
    ],
  });
  assert.equal(syft.distribution?.name, 'alpine/3.22');
  assert.equal(syft.ecosystem, 'apk');
  assert.deepEqual(syft.packages[0]?.source, { name: 'musl-src', version: '1.2.5-r0' });
});

test('the epoch that Trivy keeps beside a Debian version belongs to it', () => {
  const purl = 'pkg:deb/debian/bsdutils@2.41.5-0+deb13u1?arch=amd64&distro=debian-13.7&epoch=1';
  const { packages, distribution } = read({ bomFormat: 'CycloneDX', components: [{ name: 'bsdutils', purl }] });
  assert.equal(packages[0]?.version, '1:2.41.5-0+deb13u1');
  assert.equal(distribution?.name, 'debian/trixie');
});

test('CycloneDX XML and SPDX tag-value say the same as their JSON forms', () => {
  const xml = read(`<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">
  <metadata><tools><components><component type="application"><name>t</name></component></components></tools>
    <component type="container"><name>web</name><version>1</version></component></metadata>
  <components>
    <component type="operating-system"><name>debian</name><version>12.5</version></component>
    <component type="library"><name>zlib1g</name><version>1.2</version><purl>pkg:deb/debian/zlib1g@1.2?arch=amd64</purl>
      <properties><property name="heraklit:source">zlib</property></properties>
      <pedigree><ancestors><component type="library"><name>no</name><purl>pkg:deb/debian/no@1</purl></component></ancestors></pedigree>
      <components><component type="library"><name>in</name><version>1</version><purl>pkg:npm/in@1</purl></component></components>
    </component>
  </components>
</bom>`);
  assert.equal(xml.distribution?.name, 'debian/bookworm');
  assert.deepEqual(
    xml.packages.map(({ name, source }) => [name, source.name]),
    [['zlib1g', 'zlib']],
  );
  assert.deepEqual(
    xml.languagePackages.map(({ name }) => name),
    ['in'],
  );
  const tagValue = read(`SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
PackageName: zlib1g
SPDXID: SPDXRef-1
PackageVersion: 1.2
PackageComment: <text>PackageName: not one
of several lines</text>
PackageSourceInfo: built from: zlib 1.2
ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/zlib1g@1.2?arch=amd64&distro=debian-12
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-0
`);
  assert.equal(tagValue.distribution?.name, 'debian/bookworm');
  assert.deepEqual(
    tagValue.packages.map(({ name, source }) => [name, source.name]),
    [['zlib1g', 'zlib']],
  );
});

const isCoded = (code: string) => (error: unknown) => isHeraklitError(error, code);

test('what is no SBOM, or too much of one, is refused', () => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"a":1}',
    '<html/>',
    '<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><x></bom>',
  ]) {
    assert.throws(() => read(text), isCoded('INVENTORY_SBOM_INVALID'), text);
  }
  let nested: object = { name: 'x' };
  for (let depth = 0; depth < 70; depth += 1) nested = { name: 'x', components: [nested] };
  assert.throws(() => read({ bomFormat: 'CycloneDX', components: [nested] }), isCoded('INVENTORY_SBOM_LIMIT'));
});

test('any JSON in any place gives contents or a coded error', () => {
  const junk = fc.jsonValue({ maxDepth: 3 });
  const component = fc.dictionary(
    fc.constantFrom('type', 'name', 'version', 'purl', 'properties', 'components', 'SPDXID', 'spdxId', 'externalRefs'),
    fc.oneof(junk, fc.constantFrom('pkg:deb/debian/a@1', 'pkg:npm/%40a/b@1', 'pkg:rpm//@', 'operating-system')),
  );
  const list = fc.oneof(junk, fc.array(component));
  fc.assert(
    fc.property(fc.constantFrom('cyclonedx', 'spdx2', 'spdx3'), list, junk, (format, items, other) => {
      const document = {
        cyclonedx: { bomFormat: 'CycloneDX', components: items, metadata: other },
        spdx2: { spdxVersion: 'SPDX-2.3', packages: items, relationships: other },
        spdx3: { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': items },
      }[format];
      try {
        assert.ok(Array.isArray(read(document).packages));
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});
