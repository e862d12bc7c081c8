import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAll } from './testing.ts';

const LINUX = 'http://oval.mitre.org/XMLSchema/oval-definitions-5#linux';

/** As Debian's generator writes it: one definition a CVE id and package, tests behind the definitions. */
const DEBIAN = `<?xml version='1.0' encoding='UTF-8'?>
<!-- a comment --><oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5">
 <definitions>
  <definition id="oval:org.debian:def:1" version="1" class="vulnerability">
   <metadata>
    <title>CVE-2023-4911 glibc</title>
    <affected family="unix"><platform>Debian GNU/Linux 12</platform><product>glibc</product></affected>
    <reference source="CVE" ref_id="CVE-2023-4911" ref_url="https://security-tracker.debian.org/tracker/CVE-2023-4911"/>
    <reference source="DSA" ref_id="DSA-5514-1" ref_url="https://security-tracker.debian.org/tracker/DSA-5514-1"/>
    <description>A buffer overflow &lt;b&gt; was found</description>
    <debian><date>2023-10-03</date><moreinfo/></debian>
   </metadata>
   <criteria comment="Release section" operator="AND">
    <criterion test_ref="oval:org.debian.oval:tst:1" comment="Debian 12 is installed"/>
    <criteria comment="Architecture section" operator="OR">
     <criteria comment="Architecture independent section" operator="AND">
      <criterion test_ref="oval:org.debian.oval:tst:2" comment="all architecture"/>
      <criterion test_ref="oval:org.debian.oval:tst:3" comment="glibc DPKG is earlier than 2.36-9+deb12u3"/>
     </criteria>
    </criteria>
   </criteria>
  </definition>
  <definition id="oval:org.debian:def:2" version="1" class="vulnerability">
   <metadata><title>CVE-2019-9192 glibc</title><affected family="unix"><platform>Debian GNU/Linux 12</platform></affected></metadata>
   <criteria operator="AND"><criterion test_ref="oval:org.debian.oval:tst:4" comment="glibc DPKG is earlier than 0"/></criteria>
  </definition>
  <definition id="oval:org.debian:def:3" version="1" class="inventory"><metadata><title>Debian 12 is installed</title></metadata></definition>
  <definition id="oval:org.debian:def:4" version="1" class="vulnerability"><metadata><title></title></metadata></definition>
 </definitions>
 <tests>
  <uname_test id="oval:org.debian.oval:tst:2" version="1" xmlns="${LINUX}"><object object_ref="o"/></uname_test>
  <dpkginfo_test id="oval:org.debian.oval:tst:3" version="1" check="all" check_existence="at_least_one_exists" xmlns="${LINUX}">
   <object object_ref="oval:org.debian.oval:obj:3"/><state state_ref="oval:org.debian.oval:ste:3"/>
  </dpkginfo_test>
  <dpkginfo_test id="oval:org.debian.oval:tst:4" version="1" check="all" xmlns="${LINUX}">
   <object object_ref="oval:org.debian.oval:obj:3"/><state state_ref="oval:org.debian.oval:ste:4"/>
  </dpkginfo_test>
 </tests>
 <objects><dpkginfo_object id="oval:org.debian.oval:obj:3" version="1" xmlns="${LINUX}"><name>glibc</name></dpkginfo_object></objects>
 <states>
  <dpkginfo_state id="oval:org.debian.oval:ste:3" version="1" xmlns="${LINUX}"><evr datatype="debian_evr_string" operation="less than">0:2.36-9+deb12u3</evr></dpkginfo_state>
  <dpkginfo_state id="oval:org.debian.oval:ste:4" version="1" xmlns="${LINUX}"><evr datatype="debian_evr_string" operation="less than">0:0</evr></dpkginfo_state>
 </states>
</oval_definitions>`;

test('OVAL of Debian: fixed versions, and what nothing fixes yet', async () => {
  const { type, advisories, problems } = await readAll(DEBIAN);
  assert.equal(type, 'oval');
  assert.deepEqual(
    advisories.map((one) => [one.id, one.aliases]),
    [
      ['CVE-2023-4911', ['DSA-5514-1']],
      ['CVE-2019-9192', []],
    ],
  );
  assert.deepEqual(advisories[0]?.affected, [
    { ecosystem: 'debian/bookworm', kind: 'any', name: 'glibc', status: 'fixed', fixed: '2.36-9+deb12u3' },
  ]);
  assert.deepEqual(advisories[1]?.affected, [
    { ecosystem: 'debian/bookworm', kind: 'any', name: 'glibc', status: 'affected' },
  ]);
  assert.equal(advisories[0]?.published, '2023-10-03T00:00:00.000Z');
  assert.equal(problems.length, 1);
});

/** Red Hat's form (RHSA-2022:4584), prefixes as SUSE writes them, several products as SUSE has them. */
const RPM = `<oval_definitions xmlns:red-def="${LINUX}"><definitions>
 <definition class="patch" id="oval:com.redhat.rhsa:def:20224584" version="635"><metadata>
  <title>RHSA-2022:4584: zlib security update (Important)</title>
  <affected family="unix"><platform>Red Hat Enterprise Linux 9</platform></affected>
  <reference ref_id="RHSA-2022:4584" ref_url="https://access.redhat.com/errata/RHSA-2022:4584" source="RHSA"/>
  <reference ref_id="CVE-2018-25032" ref_url="https://access.redhat.com/security/cve/CVE-2018-25032" source="CVE"/>
  <advisory from="secalert@redhat.com"><severity>Important</severity><issued date="2022-05-17"/><updated date="2022-05-17"/>
   <cve cvss3="8.2/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:H" cwe="CWE-119" href="https://access.redhat.com/security/cve/CVE-2018-25032" impact="important" public="20180420">CVE-2018-25032</cve>
   <affected_cpe_list><cpe>cpe:/o:redhat:enterprise_linux:9::baseos</cpe></affected_cpe_list></advisory></metadata>
  <criteria operator="OR">
   <criterion comment="Red Hat Enterprise Linux must be installed" test_ref="t0"/>
   <criteria operator="AND"><criterion comment="Red Hat Enterprise Linux 9 is installed" test_ref="t1"/><criteria operator="OR">
    <criteria operator="AND"><criterion comment="zlib is earlier than 0:1.2.11-31.el9_0.1" test_ref="t2"/><criterion comment="zlib is signed with Red Hat redhatrelease2 key" test_ref="t3"/></criteria>
   </criteria></criteria>
  </criteria></definition>
 <definition class="vulnerability" id="oval:org.opensuse.security:def:202453910"><metadata><title>CVE-2024-53910</title>
  <affected family="unix"><platform>openSUSE Leap 15.6</platform><platform>SUSE Linux Enterprise Server 15 SP6</platform></affected>
  <reference ref_id="CVE-2024-53910" source="CVE"/></metadata>
  <criteria operator="OR">
   <criteria operator="AND">
    <criteria operator="OR"><criterion test_ref="p" comment="openSUSE Leap 15.6 is installed"/></criteria>
    <criteria operator="OR"><criterion test_ref="t4" comment="diffutils-3.6-4.3.1 is installed"/><criterion test_ref="t5" comment="diffutils-lang is affected"/></criteria>
   </criteria>
   <criteria operator="AND">
    <criteria operator="OR"><criterion test_ref="p" comment="SUSE Linux Enterprise Module for Basesystem 15 SP6 is installed"/><criterion test_ref="p" comment="SUSE Linux Enterprise Server 15 SP6 is installed"/></criteria>
    <criterion test_ref="t2" comment="zlib is earlier"/><criterion test_ref="t4" comment="not" negate="true"/><criterion test_ref="t6" comment="none satisfies"/>
   </criteria>
  </criteria></definition></definitions>
 <tests>
  <red-def:rpmverifyfile_test id="t1"><red-def:object object_ref="o9"/></red-def:rpmverifyfile_test>
  <red-def:rpminfo_test id="t2"><red-def:object object_ref="o2"/><red-def:state state_ref="s2"/></red-def:rpminfo_test>
  <red-def:rpminfo_test id="t3"><red-def:object object_ref="o2"/><red-def:state state_ref="s3"/></red-def:rpminfo_test>
  <red-def:rpminfo_test id="t4"><red-def:object object_ref="o4"/><red-def:state state_ref="s4"/></red-def:rpminfo_test>
  <red-def:rpminfo_test id="t5"><red-def:object object_ref="o5"/><red-def:state state_ref="s5"/></red-def:rpminfo_test>
  <red-def:rpminfo_test id="t6" check="none satisfy"><red-def:object object_ref="o5"/><red-def:state state_ref="s4"/></red-def:rpminfo_test>
 </tests><objects>
  <red-def:rpminfo_object id="o2"><red-def:name>zlib</red-def:name></red-def:rpminfo_object>
  <red-def:rpminfo_object id="o4"><red-def:name>diffutils</red-def:name></red-def:rpminfo_object>
  <red-def:rpminfo_object id="o5"><red-def:name var_ref="v5" var_check="at least one"/></red-def:rpminfo_object>
 </objects><states>
  <red-def:rpminfo_state id="s2"><red-def:arch datatype="string" operation="pattern match">aarch64|x86_64</red-def:arch><red-def:evr datatype="evr_string" operation="less than">0:1.2.11-31.el9_0.1</red-def:evr></red-def:rpminfo_state>
  <red-def:rpminfo_state id="s3"><red-def:signature_keyid operation="equals">199e2f91fd431d51</red-def:signature_keyid></red-def:rpminfo_state>
  <red-def:rpminfo_state id="s4"><red-def:evr datatype="evr_string" operation="less than">0:3.6-4.3.1</red-def:evr></red-def:rpminfo_state>
  <red-def:rpminfo_state id="s5"><red-def:evr datatype="evr_string" operation="greater than">0:0-0</red-def:evr></red-def:rpminfo_state>
 </states><variables><constant_variable id="v5" datatype="string"><value>diffutils-lang</value><value>bad name</value></constant_variable></variables>
</oval_definitions>`;

test('OVAL of Red Hat and SUSE: signature tests aside, each branch for its own products', async () => {
  const { advisories } = await readAll(RPM);
  const [rhsa, suse] = advisories;
  assert.deepEqual(
    [rhsa?.id, rhsa?.aliases, rhsa?.severity, rhsa?.score],
    ['RHSA-2022:4584', ['CVE-2018-25032'], 'high', 8.2],
  );
  assert.deepEqual(rhsa?.affected, [
    { ecosystem: 'rhel/9', kind: 'any', name: 'zlib', status: 'fixed', fixed: '1.2.11-31.el9_0.1' },
  ]);
  assert.deepEqual(suse?.affected, [
    { ecosystem: 'opensuse/15.6', kind: 'any', name: 'diffutils', status: 'fixed', fixed: '3.6-4.3.1' },
    { ecosystem: 'opensuse/15.6', kind: 'any', name: 'diffutils-lang', status: 'affected' },
    { ecosystem: 'sles/15.6', kind: 'any', name: 'zlib', status: 'fixed', fixed: '1.2.11-31.el9_0.1' },
  ]);
});

const UPDATES = `<?xml version="1.0" encoding="UTF-8"?>
<updates>
 <update from="releng@rockylinux.org" status="final" type="security" version="2">
  <id>RLSA-2024:0310</id><title>Moderate: openssl security update</title>
  <issued date="2024-01-22 10:11:12"/><updated date="1705918272"/><severity>Moderate</severity>
  <description><![CDATA[An update <for> openssl]]></description>
  <references>
   <reference href="https://cve.mitre.org/cgi-bin/cvename.cgi?name=CVE-2023-5363" id="CVE-2023-5363" type="cve" title="CVE-2023-5363"/>
   <reference href="https://bugzilla.redhat.com/show_bug.cgi?id=2243839" id="2243839" type="bugzilla"/>
  </references>
  <pkglist><collection short="baseos"><name>baseos</name>
   <package name="openssl" version="3.0.7" release="25.el9_3" epoch="1" arch="x86_64" src="openssl-3.0.7-25.el9_3.src.rpm"><filename>openssl.rpm</filename></package>
   <package name="openssl" version="3.0.7" release="25.el9_3" epoch="1" arch="i686"><filename>openssl.rpm</filename><reboot_suggested>1</reboot_suggested></package>
   <package name="openssl" version="3.0.7" release="25.el9_3" epoch="1" arch="src"><filename>openssl.src.rpm</filename></package>
   <package name="no version"/>
  </collection></pkglist>
 </update>
 <update status="retracted" type="security"><id>RLSA-2024:0311</id><issued date="not a date"/><pkglist/></update>
 <update type="bugfix"><id>RLBA-2024:0312</id><pkglist><collection><package name="bash" version="5" release="1" arch="x86_64"/></collection></pkglist></update>
 <update type="security"><id>two words</id></update>
</updates>`;

test('updateinfo: security updates with their packages once, bug fixes passed over', async () => {
  const { type, advisories, problems } = await readAll(UPDATES, undefined, { distribution: 'rocky/9' });
  assert.equal(type, 'updateinfo');
  assert.deepEqual(
    advisories.map((one) => one.id),
    ['RLSA-2024:0310', 'RLSA-2024:0311'],
  );
  const [update, retracted] = advisories;
  assert.deepEqual(
    [update?.aliases, update?.severity, update?.published, update?.modified],
    [['CVE-2023-5363'], 'medium', '2024-01-22T10:11:12.000Z', '2024-01-22T10:11:12.000Z'],
  );
  assert.deepEqual(update?.affected, [
    { ecosystem: 'rocky/9', kind: 'binary', name: 'openssl', status: 'fixed', fixed: '1:3.0.7-25.el9_3' },
    { ecosystem: 'rocky/9', kind: 'source', name: 'openssl', status: 'fixed', fixed: '1:3.0.7-25.el9_3' },
  ]);
  assert.notEqual(retracted?.withdrawn, undefined);
  assert.equal(problems.length, 1);
  await assert.rejects(readAll(UPDATES), { code: 'ADVISORY_DISTRIBUTION_NEEDED' });
});
