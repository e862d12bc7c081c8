import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { PackageURL } from 'packageurl-js';
import { buildZip } from '../../archive/testing/index.ts';
import type { DistributionName } from '../../distro/index.ts';
import { inspectImage } from '../inspect-image.ts';
import { OS_RELEASE, stanza, status } from '../testing/debian-root.ts';
import { memoryImage } from '../testing/memory-image.ts';
import type { ImageContents } from '../types.ts';
import { toCycloneDx } from './cyclonedx.ts';
import { purlOf } from './purl.ts';
import { toSpdx } from './spdx.ts';
import { toSpdx3 } from './spdx3.ts';
import { uuidOf } from './uuid.ts';

const OPTIONS = { reference: 'registry.example.com/web:1', toolVersion: '1.2.3' };

const image = memoryImage([
  {
    'etc/os-release': OS_RELEASE,
    'var/lib/dpkg/status': status(
      stanza('libc6', '2.41-12', { 'Multi-Arch': 'same', Source: 'glibc' }),
      stanza('libc6', '2.41-12', { 'Multi-Arch': 'same', Source: 'glibc', Architecture: 'i386' }),
      stanza('libstdc++6', '14.2.0-19+b1', { Source: 'gcc-14 (14.2.0-19)', Depends: 'libc6 (>= 2.38)' }),
      stanza('mail', '1:2.0~rc1', { Depends: 'default-mta | mail-transport-agent', Homepage: 'https://example.org/' }),
      stanza('postfix', '3.10', { Provides: 'mail-transport-agent', Maintainer: 'Böb "x" <b@example.org>' }),
    ),
  },
]);

/** The schemas that the library ships are the official ones. */
function cycloneDxValidator() {
  const library = dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json'));
  const load = (name: string) => JSON.parse(readFileSync(join(library, 'res/schema', name), 'utf8'));
  // Formats are checked below where they matter; ajv knows none by itself.
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ ...load('spdx.SNAPSHOT.schema.json'), $id: 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json' });
  ajv.addSchema({
    ...load('jsf-0.82.SNAPSHOT.schema.json'),
    $id: 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json',
  });
  const validate = ajv.compile(load('bom-1.6.SNAPSHOT.schema.json'));
  return (document: unknown): void => assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)));
}

test('CycloneDX 1.6: valid by the official schema, with purls, dependencies and the layer of each package', async () => {
  const contents = await inspectImage(image);
  const bom = JSON.parse(toCycloneDx(contents, OPTIONS));
  cycloneDxValidator()(bom);
  assert.equal(bom.specVersion, '1.6');
  assert.match(bom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(bom.metadata.timestamp, '2026-01-02T03:04:05.000Z');
  assert.equal(bom.components.length, 6);
  const purl = 'pkg:deb/debian/libstdc%2B%2B6@14.2.0-19%2Bb1?arch=amd64&distro=debian-13';
  const component = bom.components.find((item: { name: string }) => item.name === 'libstdc++6');
  assert.equal(component.purl, purl);
  assert.deepEqual(
    component.properties.map((item: { name: string; value: string }) => [item.name, item.value]).sort(),
    [
      ['heraklit:layer', contents.layers[0]?.diffId],
      ['heraklit:source', 'gcc-14'],
      ['heraklit:source-version', '14.2.0-19'],
    ],
  );
  const dependencies = new Map(
    bom.dependencies.map((item: { ref: string; dependsOn?: string[] }) => [item.ref, item.dependsOn]),
  );
  assert.deepEqual(dependencies.get(purl), ['pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13']);
  assert.deepEqual(dependencies.get('pkg:deb/debian/mail@1:2.0~rc1?arch=amd64&distro=debian-13'), [
    'pkg:deb/debian/postfix@3.10?arch=amd64&distro=debian-13',
  ]);
});

test('packages of languages: with purl, place and layer; those of the distribution’s packages are part of them', async () => {
  const python = (name: string): string => `Name: ${name}\nVersion: 1.0+x\n`;
  const contents = await inspectImage(
    memoryImage([
      {
        'etc/os-release': OS_RELEASE,
        'var/lib/dpkg/status': status(stanza('python3-a', '1')),
        'var/lib/dpkg/info/python3-a.list': '/usr/lib/a.egg-info\n',
        'usr/lib/a.egg-info': python('a'),
        'srv/b.egg-info': python('b'),
        'srv/yarn.lock': '"@s/c@^1":\n  version "1.0.0"\n',
      },
    ]),
  );
  const bom = JSON.parse(toCycloneDx(contents, OPTIONS));
  cycloneDxValidator()(bom);
  const named = (name: string) => bom.components.find((item: { name: string }) => item.name === name);
  const properties = (name: string) =>
    named(name).properties.map((item: { name: string; value: string }) => `${item.name.slice(9)} ${item.value}`);
  assert.equal(named('a'), undefined);
  assert.ok(properties('python3-a').includes('contains pkg:pypi/a@1.0%2Bx'));
  assert.equal(named('b').purl, 'pkg:pypi/b@1.0%2Bx');
  assert.deepEqual(properties('b').sort(), [
    'evidence egg-info',
    `layer ${contents.layers[0]?.diffId}`,
    'location srv/b.egg-info',
  ]);
  assert.equal(named('@s/c').scope, 'optional');
  assert.ok(properties('@s/c').includes('state declared'));
  const spdx = JSON.parse(toSpdx(contents, OPTIONS));
  const purls = spdx.packages.flatMap((item: { externalRefs?: { referenceLocator: string }[] }) =>
    (item.externalRefs ?? []).map((reference) => reference.referenceLocator),
  );
  assert.deepEqual(purls.slice(1), ['pkg:npm/%40s/c@1.0.0', 'pkg:pypi/b@1.0%2Bx']);
  assert.equal(spdx.packages.at(-1).sourceInfo, 'found in: srv/b.egg-info');
});

test('what is known of jars and programs: checksum, CPE name, and that it is a guess', async () => {
  const jar = buildZip([
    {
      name: 'META-INF/maven/org.a/x/pom.properties',
      content: 'groupId=org.a\nartifactId=x\nversion=1\n',
    },
  ]);
  const release = 'JAVA_VERSION="17.0.15"\n';
  const contents = await inspectImage(
    memoryImage([
      {
        'etc/os-release': OS_RELEASE,
        'app/x-1.jar': jar.toString('latin1'),
        'app/y-2.jar': buildZip([]).toString('latin1'),
        'opt/release': release,
      },
    ]),
  );
  const bom = JSON.parse(toCycloneDx(contents, OPTIONS));
  cycloneDxValidator()(bom);
  const named = (name: string) => bom.components.find((item: { name: string }) => item.name === name);
  const sha1 = createHash('sha1').update(jar).digest('hex');
  assert.deepEqual(named('org.a:x').hashes, [{ alg: 'SHA-1', content: sha1 }]);
  assert.equal(named('openjdk').cpe, 'cpe:2.3:a:oracle:openjdk:17.0.15:*:*:*:*:*:*:*');
  const guessed = (name: string): boolean =>
    named(name).properties.some((item: { name: string }) => item.name === 'heraklit:guessed');
  assert.deepEqual(['org.a:x', 'y'].map(guessed), [false, true]);
  const spdx = JSON.parse(toSpdx(contents, OPTIONS));
  const package_ = (name: string) => spdx.packages.find((item: { name: string }) => item.name === name);
  assert.deepEqual(package_('org.a:x').checksums, [{ algorithm: 'SHA1', checksumValue: sha1 }]);
  assert.equal(package_('openjdk').externalRefs[1].referenceType, 'cpe23Type');
  const graph = JSON.parse(toSpdx3(contents, OPTIONS))['@graph'];
  const element = (name: string) => graph.find((item: { name?: string }) => item.name === name);
  assert.deepEqual(element('org.a:x').verifiedUsing, [{ type: 'Hash', algorithm: 'sha1', hashValue: sha1 }]);
  assert.deepEqual(element('openjdk').externalIdentifier, [
    { type: 'ExternalIdentifier', externalIdentifierType: 'cpe23', identifier: named('openjdk').cpe },
  ]);
});

test('SPDX 2.3: every element is defined once and every relationship leads to one', async () => {
  const document = JSON.parse(toSpdx(await inspectImage(image), OPTIONS));
  assert.equal(document.spdxVersion, 'SPDX-2.3');
  assert.match(document.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(document.documentNamespace, /^https:\/\/[^#]+$/);
  const ids: string[] = document.packages.map((item: { SPDXID: string }) => item.SPDXID);
  assert.equal(new Set(ids).size, 6);
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  const known = new Set([...ids, 'SPDXRef-DOCUMENT']);
  for (const item of document.relationships) {
    assert.ok(known.has(item.spdxElementId) && known.has(item.relatedSpdxElement));
  }
  const kinds = Map.groupBy(document.relationships, (item: { relationshipType: string }) => item.relationshipType);
  assert.deepEqual(
    [...kinds].map(([kind, items]) => [kind, items.length]),
    [
      ['DESCRIBES', 1],
      ['CONTAINS', 5],
      ['DEPENDS_ON', 2],
    ],
  );
});

test('the same image gives the same bytes, another one another serial number', async () => {
  const [one, two] = [await inspectImage(image), await inspectImage(image)];
  assert.equal(toCycloneDx(one, OPTIONS), toCycloneDx(two, OPTIONS));
  assert.equal(toSpdx(one, OPTIONS), toSpdx(two, OPTIONS));
  const other = await inspectImage(memoryImage([{ a: 'b' }]));
  assert.notEqual(
    JSON.parse(toCycloneDx(other, OPTIONS)).serialNumber,
    JSON.parse(toCycloneDx(one, OPTIONS)).serialNumber,
  );
});

test('hostile names and dates make valid documents too', async () => {
  const contents: ImageContents = {
    ...(await inspectImage(image)),
    config: { ...image.config, created: 'not a date' },
    distribution: undefined,
  };
  const odd = contents.packages.map((item, at) => ({
    ...item,
    name: `${item.name}\u0000<&"%?#@/é${at % 2}`,
    homepage: 'javascript:x',
  }));
  const broken = { ...contents, packages: [...odd, ...odd] };
  const bom = JSON.parse(toCycloneDx(broken, OPTIONS));
  cycloneDxValidator()(bom);
  const refs = bom.components.map((item: { 'bom-ref': string }) => item['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
  assert.equal(JSON.parse(toSpdx(broken, OPTIONS)).creationInfo.created, '1970-01-01T00:00:00Z');
});

test('purls read back by the library that defines them', async () => {
  for (const item of (await inspectImage(image)).packages) {
    const read = PackageURL.fromString(purlOf(item, undefined));
    assert.deepEqual([read.type, read.name, read.version], ['deb', item.name, item.version]);
    assert.deepEqual({ ...read.qualifiers }, { arch: item.architecture });
  }
});

test('UUIDs are version 5 and a function of the name', () => {
  assert.equal(uuidOf('a'), uuidOf('a'));
  assert.notEqual(uuidOf('a'), uuidOf('b'));
  assert.match(uuidOf('a'), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('package URLs of every family, as the specification has them', () => {
  const distribution = (id: string, versionId: string, name: DistributionName) => ({
    name,
    id,
    versionId,
    codename: '',
    prettyName: id,
  });
  const curl = { name: 'curl', version: '1:8.6.0-1.fc40', architecture: 'x86_64' };
  const fedora = distribution('fedora', '40', 'fedora/40');
  const tumbleweed = distribution('opensuse-tumbleweed', '20260101', 'opensuse/tumbleweed');
  assert.equal(purlOf(curl, fedora, 'rpm'), 'pkg:rpm/fedora/curl@8.6.0-1.fc40?arch=x86_64&distro=fedora-40&epoch=1');
  assert.equal(
    purlOf({ ...curl, version: '8-1' }, tumbleweed, 'rpm'),
    'pkg:rpm/opensuse/curl@8-1?arch=x86_64&distro=opensuse-tumbleweed',
  );
  assert.equal(purlOf(curl, undefined, 'rpm'), 'pkg:rpm/curl@8.6.0-1.fc40?arch=x86_64&epoch=1');
  assert.equal(
    purlOf({ ...curl, version: '8.6.0-r0' }, distribution('alpine', '3.22.1', 'alpine/3.22'), 'apk'),
    'pkg:apk/alpine/curl@8.6.0-r0?arch=x86_64&distro=alpine-3.22.1',
  );
  assert.equal(
    purlOf({ ...curl, version: '1:8.6.0-1' }, distribution('arch', '', 'arch/rolling'), 'alpm'),
    'pkg:alpm/arch/curl@1:8.6.0-1?arch=x86_64&distro=arch',
  );
});
