import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bufferSource } from '../../archive/index.ts';
import { buildZip, type ZipPart } from '../../archive/testing/index.ts';
import { readFiles } from '../testing/read-files.ts';
import { splitFileName } from './artifact.ts';
import { JAR_LIMITS, readJar } from './jar.ts';
import { parsePomXml } from './pom-xml.ts';

const properties = (group: string, artifact: string, version: string): ZipPart => ({
  name: `META-INF/maven/${group}/${artifact}/pom.properties`,
  content: `#Created by Apache Maven 3.9.6\r\n#Mon Jan 01\r\nartifactId=${artifact}\r\ngroupId=${group}\r\nversion=${version}\r\n`,
});
const manifest = (text: string): ZipPart => ({
  name: 'META-INF/MANIFEST.MF',
  content: `Manifest-Version: 1.0\r\n${text}\r\n\r\n`,
});

async function jar(name: string, parts: readonly ZipPart[] | Buffer): Promise<readonly string[]> {
  const findings = await readFiles({ [`app/${name}`]: Buffer.isBuffer(parts) ? parts : buildZip(parts) });
  return findings.flatMap(({ packages = [], problems = [] }) => [
    ...packages.map(
      (item) => `${item.name} ${item.version}${item.guessed ? '?' : ''}${item.within ? ` in ${item.within}` : ''}`,
    ),
    ...problems,
  ]);
}

test('a jar that Maven built, and what was merged into it', async () => {
  const own = properties('org.apache.commons', 'commons-text', '1.10.0');
  const merged = properties('com.google.code.gson', 'gson', '2.10');
  assert.deepEqual(await jar('commons-text-1.10.0.jar', [own]), ['org.apache.commons:commons-text 1.10.0']);
  assert.deepEqual(await jar('app.jar', [own]), ['org.apache.commons:commons-text 1.10.0']);
  assert.deepEqual(await jar('commons-text-1.10.0-sources.jar', [merged, own]), [
    'org.apache.commons:commons-text 1.10.0',
    'com.google.code.gson:gson 2.10 in META-INF/maven/com.google.code.gson/gson/pom.properties',
  ]);
  // A jar of Gradle with something of Maven in it is not that something.
  assert.deepEqual(
    await jar('opentelemetry-sdk-trace-1.55.0.jar', [properties('org.jctools', 'jctools-core', '4.0.5')]),
    [
      'io.opentelemetry:opentelemetry-sdk-trace 1.55.0?',
      'org.jctools:jctools-core 4.0.5 in META-INF/maven/org.jctools/jctools-core/pom.properties',
    ],
  );
});

test('jars without descriptors: manifest, name, and well-known groups', async () => {
  assert.deepEqual(
    await jar('spring-core.jar', [manifest('Implementation-Title: spring-core\r\nImplementation-Version: 6.1.3')]),
    ['org.springframework:spring-core 6.1.3?'],
  );
  assert.deepEqual(
    await jar('a.jar', [
      manifest(
        'Implementation-Title: An application, really\r\nBundle-SymbolicName: org.example.a-b;singl\r\n eton:=true\r\nBundle-Version: 1.2.3.RELEASE',
      ),
    ]),
    ['a 1.2.3.RELEASE?'],
  );
  assert.deepEqual(
    await jar('a-b-1.0.jar', [manifest('Bundle-SymbolicName: org.example.a-b\r\nImplementation-Version: 2')]),
    ['org.example:a-b 1.0?'],
  );
  assert.deepEqual(
    await jar('x-1.0.jar', [manifest('Implementation-Vendor-Id: org.example\r\n\r\nImplementation-Version: 9')]),
    ['org.example:x 1.0?'],
  );
  assert.deepEqual(await jar('plain-2.0-beta1.jar', []), ['plain 2.0-beta1?']);
  assert.deepEqual(await jar('plain.jar', []), []);
  assert.deepEqual(splitFileName('cats-core_2.13-2.10.0.jar'), { artifact: 'cats-core_2.13', version: '2.10.0' });
  assert.deepEqual(splitFileName('jackson-core-2.x.jar'), { artifact: 'jackson-core', version: '' });
  assert.deepEqual(splitFileName('foo_1.2.3.v2024.jar'), { artifact: 'foo', version: '1.2.3.v2024' });
});

test('pom.xml where the properties are missing', async () => {
  const pom = (text: string): unknown =>
    parsePomXml(`<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0">${text}</project>`);
  const parent = '<parent><groupId>org.a</groupId><artifactId>p</artifactId><version>7</version></parent>';
  assert.deepEqual(pom(`${parent}<artifactId>x</artifactId>`), { group: 'org.a', artifact: 'x', version: '7' });
  assert.deepEqual(
    pom(`${parent}<artifactId>x</artifactId><version>\${revision}</version><properties><revision>1.\${minor}</revision><minor>5</minor></properties>
      <dependencies><dependency><artifactId>no</artifactId><version>9</version></dependency></dependencies>`),
    { group: 'org.a', artifact: 'x', version: '1.5' },
  );
  assert.equal(pom(`<artifactId>x</artifactId><version>\${nowhere}</version>`), undefined);
  assert.equal(
    pom(`<artifactId>x</artifactId><version>\${a}</version><properties><a>\${a}\${a}1</a></properties>`),
    undefined,
  );
  assert.equal(parsePomXml('<project>'.repeat(5000)), undefined);
  const name = 'META-INF/maven/org.a/x/pom.xml';
  const content = '<project><groupId>org.a</groupId><artifactId>x</artifactId><version>3</version></project>';
  assert.deepEqual(await jar('y.jar', [{ name, content }]), ['org.a:x 3']);
  assert.deepEqual(await jar('x-4.jar', [{ name, content }, properties('org.a', 'x', '4')]), ['org.a:x 4']);
});

test('Spring Boot, enterprise and executable archives', async () => {
  const inner = buildZip([properties('org.slf4j', 'slf4j-api', '2.0.9')]);
  const boot = buildZip([
    properties('com.example', 'shop', '1.0.0'),
    { name: 'BOOT-INF/lib/slf4j-api-2.0.9.jar', content: inner, method: 0 },
    { name: 'BOOT-INF/lib/spring-web-6.1.3.jar', content: buildZip([manifest('Implementation-Title: spring-web')]) },
  ]);
  const expected = [
    'com.example:shop 1.0.0',
    'org.slf4j:slf4j-api 2.0.9 in BOOT-INF/lib/slf4j-api-2.0.9.jar',
    'org.springframework:spring-web 6.1.3? in BOOT-INF/lib/spring-web-6.1.3.jar',
  ];
  assert.deepEqual(await jar('shop-1.0.0.jar', boot), expected);
  assert.deepEqual(await jar('shop-1.0.0.jar', Buffer.concat([Buffer.from('#!/bin/bash\nexit 1\n'), boot])), expected);
  const ear = buildZip([
    { name: 'shop.war', content: buildZip([{ name: 'WEB-INF/lib/slf4j-api-2.0.9.jar', content: inner }]) },
  ]);
  assert.deepEqual(await jar('all.ear', ear), [
    'org.slf4j:slf4j-api 2.0.9 in shop.war!/WEB-INF/lib/slf4j-api-2.0.9.jar',
  ]);
  const [finding] = await readFiles({ 'app/shop-1.0.0.jar': boot });
  assert.match(finding?.packages?.[1]?.details?.sha1 ?? '', /^[0-9a-f]{40}$/);
});

test('a jar larger than what is held in memory is read from a file', async () => {
  const random = Buffer.from(Array.from({ length: 6_000_000 }, (_, at) => (at * 2654435761) >>> 24));
  const big = buildZip([{ name: 'data.bin', content: random, method: 0 }, properties('com.example', 'big', '1')]);
  assert.deepEqual(await jar('big.jar', big), ['com.example:big 1']);
});

test('archives that are broken, lie, or nest without end are said to be', async () => {
  assert.deepEqual(await jar('a.jar', Buffer.from('no archive at all')), ['broken zip archive: it has no directory']);
  // Other kinds of file have these endings too.
  assert.deepEqual(await jar('a.rar', Buffer.from('Rar!\x1a\x07\x01\x00')), []);
  assert.deepEqual(await jar('a.par', Buffer.from('#')), []);
  const lying = { ...properties('org.a', 'x', '1'), claims: { bytes: 3 } };
  assert.match((await jar('x-1.jar', [lying])).join(), /x 1\?,META-INF\/maven.*more than the 3 bytes/);
  let nested = buildZip([properties('org.a', 'deep', '1')]);
  for (let level = 0; level < 200; level += 1)
    nested = buildZip([{ name: `n${level}.jar`, content: nested, method: level % 2 === 0 ? 0 : 8 }]);
  const found = await jar('bomb.jar', nested);
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /n191\.jar: jars nested deeper than 8 are not read$/);
});

test('bombs stop at their limit', () => {
  const zeros = Buffer.alloc(3_000_000);
  const bomb = buildZip(
    Array.from({ length: 20 }, (_, at) => ({
      name: `${at}.jar`,
      content: buildZip([{ name: 'z', content: zeros, method: 0 }]),
    })),
  );
  const limits = { ...JAR_LIMITS, nestedBytes: 10_000_000, nestedJarBytes: 5_000_000 };
  const read = (change: Partial<typeof limits>) => readJar(bufferSource(bomb), 'a.jar', '', { ...limits, ...change });
  assert.match(read({}).problems[0] ?? '', /^3\.jar: over the 10000000 bytes of inner jars/);
  assert.match(read({ nestedJarBytes: 1000 }).problems[0] ?? '', /^0\.jar: .*over the limit of 1000 bytes/);
  assert.deepEqual(read({ nested: 2, nestedBytes: 1e9 }).problems, [
    '2.jar: jars after the first 2 inside one are not read',
  ]);
  const text = buildZip([{ name: 'META-INF/MANIFEST.MF', content: zeros }, properties('org.a', 'x', '1')]);
  const small = readJar(bufferSource(text), 'x.jar', '', { ...JAR_LIMITS, descriptorBytes: 1000 });
  assert.deepEqual([small.artifacts.length, small.problems.length], [1, 1]);
  assert.equal(readJar(bufferSource(text), 'x.jar', '', { ...JAR_LIMITS, descriptorsBytes: 10 }).problems.length, 2);
});

test('archives whose entries share their bytes, or that have too many, stop too', () => {
  const inner = buildZip([properties('org.a', 'x', '1'), { name: 'z', content: Buffer.alloc(20_000), method: 0 }]);
  const first = buildZip([{ name: '0.jar', content: inner, method: 0 }]);
  assert.equal(readJar(bufferSource(first), 'a.jar', '').artifacts.length, 1);
  const shared = buildZip([
    { name: '0.jar', content: inner, method: 0 },
    ...Array.from({ length: 50 }, (_, at) => ({
      name: `${at + 1}.jar`,
      content: '',
      method: 0,
      claims: { offset: 0, bytes: inner.length, packedBytes: inner.length },
    })),
  ]);
  const found = readJar(bufferSource(shared), 'a.jar', '', { ...JAR_LIMITS, storedRatio: 2 });
  assert.ok(found.artifacts.length < 5);
  assert.match(found.problems[0] ?? '', /its inner jars share their bytes with others$/);
  const many = buildZip(Array.from({ length: 30 }, (_, at) => properties('org.a', `x${at}`, '1')));
  const read = (change: Partial<typeof JAR_LIMITS>) =>
    readJar(bufferSource(many), 'a.jar', '', { ...JAR_LIMITS, ...change });
  assert.equal(read({ descriptors: 10 }).artifacts.length, 10);
  assert.match(read({ entries: 10 }).problems.join(), /^entries of a zip archive is over the limit of 10/);
});

test('names of any length and kind are shown cut, and without control characters', async () => {
  const name = `${'n'.repeat(2000)}\n.jar`;
  const [found = ''] = await jar('a.jar', [
    { name, content: 'x' },
    { name: 'b\n.jar', content: 'x' },
  ]);
  assert.match(found, /^n{300}: broken zip/);
  assert.match((await jar('a.jar', [{ name: 'b\n.jar', content: 'x' }])).join(), /^b\?\.jar: broken zip/);
});

test('jars of the Java runtime itself are none of their own', async () => {
  const text = 'Specification-Title: Java Platform API Specification\r\nImplementation-Version: 1.8.0_402';
  assert.deepEqual(await jar('rt.jar', [manifest(text)]), []);
});

test('any damage gives artifacts or problems', async () => {
  const whole = buildZip([
    properties('org.a', 'x', '1'),
    manifest('Implementation-Version: 3'),
    { name: 'lib/y-1.jar', content: buildZip([properties('org.b', 'y', '1')]), method: 0 },
  ]);
  const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(edits, fc.nat(whole.length), async (changes, end) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      await jar('x-1.jar', bytes);
      await jar('x-1.jar', bytes.subarray(0, end));
    }),
    { numRuns: 300 },
  );
});

test('the release file of a Java runtime', async () => {
  const release =
    'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_RUNTIME_VERSION="17.0.15+6"\nJAVA_VERSION="17.0.15"\nMODULES="java.base"\n';
  const [finding] = await readFiles({ 'opt/java/openjdk/release': release });
  assert.deepEqual(finding?.packages, [
    {
      ecosystem: 'generic',
      name: 'openjdk',
      version: '17.0.15',
      state: 'installed',
      details: {
        cpe: 'cpe:2.3:a:oracle:openjdk:17.0.15:*:*:*:*:*:*:*',
        vendor: 'Eclipse Adoptium',
        build: '17.0.15+6',
      },
    },
  ]);
  assert.deepEqual(await readFiles({ 'etc/release': 'NAME="Some Linux"\nVERSION="1"\n' }), []);
});
