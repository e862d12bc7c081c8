import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../../base/index.ts';
import { MAX_DESCRIPTION_BYTES, readDescription } from './read.ts';

const DESCRIPTION = `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="7.4" name="web-server">
  <description type="system"><author>A</author><contact>a@example.com</contact><specification>x</specification></description>
  <profiles><profile name="plain" description="p" import="true"/><profile name="lab" description="l"/></profiles>
  <preferences><version>1.2.3</version><packagemanager>apt</packagemanager></preferences>
  <preferences profiles="plain"><type image="oci"><containerconfig name="web" tag="1"/></type></preferences>
  <preferences profiles="lab"><type image="docker" derived_from="docker://registry.example.com/base:1"/></preferences>
  <preferences profiles="disk"><type image="oem"/></preferences>
  <repository type="apt-deb" alias="main" distribution="trixie" components="main"><source path="http://example.com/debian"/></repository>
  <repository type="apt-deb" profiles="lab"><source path="obs://Debian:13/standard"/></repository>
  <packages type="image"><package name="nginx"/><package name="nginx"/></packages>
  <packages type="image" profiles="lab"><package name="gdb"/></packages>
  <packages type="bootstrap"><package name="apt"/></packages>
  <packages type="uninstall"><package name="perl"/></packages>
</image>`;

test('what a description names, for the profiles that are built', () => {
  const { text, ...plain } = readDescription(DESCRIPTION);
  assert.equal(text, DESCRIPTION);
  assert.deepEqual(plain, {
    name: 'web-server',
    version: '1.2.3',
    packageManager: 'apt',
    type: { image: 'oci', derivedFrom: undefined },
    profiles: ['plain'],
    repositories: [{ alias: 'main', url: 'http://example.com/debian' }],
    packages: ['apt', 'nginx'],
    uses: [],
    urls: [],
  });
  const lab = readDescription(DESCRIPTION, ['lab']);
  assert.deepEqual(lab.packages, ['apt', 'gdb', 'nginx']);
  assert.deepEqual(lab.uses, [{ name: 'registry.example.com/base:1', platform: undefined }]);
  assert.equal(lab.type.image, 'docker');
  assert.equal(lab.repositories[1]?.url, 'obs://Debian:13/standard');
});

const withType = (type: string, more = ''): string =>
  `<image name="x"><preferences>${type}</preferences>${more}</image>`;

test('images that it may be derived from', () => {
  const names = {
    'docker://low': 'low',
    'docker:registry.example.com/a:1': 'registry.example.com/a:1',
    'oci-archive:base.tar:1': 'oci-archive:base.tar:1',
    'this://base.tar#2': 'oci-archive:base.tar:2',
    'file:///images/base.tar': 'oci-archive:/images/base.tar',
  };
  for (const [from, name] of Object.entries(names)) {
    assert.equal(readDescription(withType(`<type image="oci" derived_from="${from}"/>`)).uses[0]?.name, name);
  }
});

test('of several container types the primary one counts', () => {
  const both = '<type image="docker"/><type image="oci" primary="true"/><type image="iso"/>';
  assert.equal(readDescription(withType(both)).type.image, 'oci');
});

test('what cannot be built, or not be locked, is refused', () => {
  const oci = '<type image="oci"/>';
  const repository = (path: string): string => `<repository><source path="${path}"/></repository>`;
  const wrong = [
    ['', 'no readable XML|begins'],
    ['FROM debian', 'no readable XML'],
    ['<image name="x">', 'no readable XML'],
    ['<packages name="x"/>', 'begins with <packages>'],
    ['<!DOCTYPE image [<!ENTITY x SYSTEM "file:///etc/shadow">]><image name="x"/>', 'document type'],
    ['<image name="x">&x;</image>', 'no readable XML'],
    ['<image name="../x"/>', 'no usable name'],
    [withType(''), 'no type'],
    [withType('<type image="oem"/>'), 'it makes oem'],
    [withType(`${oci}<type image="docker"/>`), 'several'],
    [withType('<type image="oci" derived_from="obs://a/b"/>'), 'names no image'],
    [withType('<type image="oci" derived_from="obsrepositories:/a"/>'), 'names no image'],
    [withType(oci, repository('dir:///srv/repository')), 'neither http'],
    [withType(oci, repository('/srv/repository')), 'neither http'],
    [withType(oci, repository('')), 'neither http'],
    [withType(oci, '<include from="file:///etc/passwd"/>'), 'brings in another file'],
    [withType(oci, '<a>'.repeat(40) + '</a>'.repeat(40)), 'deep'],
    [withType(oci, '<a/>'.repeat(50_001)), 'elements'],
    [`<!--${' '.repeat(MAX_DESCRIPTION_BYTES)}-->`, 'bytes'],
  ] as const;
  for (const [text, why] of wrong) {
    assert.throws(
      () => readDescription(text),
      (error) => isHeraklitError(error, 'REBUILD_DESCRIPTION_INVALID') && new RegExp(why).test(error.message),
      text.slice(0, 100),
    );
  }
  assert.throws(() => readDescription(DESCRIPTION, ['other']), /no profile other/);
});

test('whatever it is, it is read or refused with a code', () => {
  const pieces = fc.constantFrom(...DESCRIPTION.split(/(?=<)/), '<', '&amp;', '&#0;', ']]>', '<![CDATA[', '\ud800');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      try {
        readDescription(parts.join(''));
      } catch (error) {
        assert.ok(isHeraklitError(error, 'REBUILD_DESCRIPTION_INVALID'), String(error));
      }
    }),
  );
});
