import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { RPM_DATABASES } from '../support/rpm-databases.ts';
import { hasRpmTools, RpmWorld } from '../support/rpm-world.ts';
import { smallImage } from '../support/small-image.ts';

test('an rpm image from scan to where, sbom and outdated', async (context) => {
  if (!hasRpmTools('rpmbuild', 'createrepo_c')) return context.skip('createrepo_c or rpmbuild not installed');
  const cli = await openCli(context);
  const world = await RpmWorld.create();
  context.after(() => world.remove());
  const updates = await world.build([
    { name: 'openssl', evr: '1:3.0.7-25.el9', arch: 'x86_64' },
    { name: 'kernel', evr: '5.14.0-2.el9', arch: 'x86_64' },
  ]);
  const repository = await world.repository('mirror/9/BaseOS/x86_64/os', updates);
  await world.announce(repository, [
    {
      id: 'RLSA-2026:1',
      type: 'security',
      severity: 'Important',
      issued: '2026-01-10 10:00:00',
      cves: ['CVE-2026-1000'],
      packages: [{ name: 'openssl', evr: '1:3.0.7-25.el9', arch: 'x86_64' }],
    },
  ]);
  for (const empty of ['AppStream', 'extras']) await world.repository(`mirror/9/${empty}/x86_64/os`, []);
  const path = 'usr/lib/sysimage/rpm/Packages.db';
  const image = await smallImage(cli.root, 'rocky', [
    { 'etc/os-release': 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n' },
    { [path]: RPM_DATABASES[path] },
  ]);
  await image.close();
  const reference = `oci:${join(cli.root, 'rocky')}`;

  const scanned = await cli.run(['scan', reference, '--record', '--format', 'json']);
  assert.equal(scanned.code, 0, scanned.stderr);
  assert.equal(scanned.stderr, '');
  const { packages, packageDatabase, distribution } = JSON.parse(scanned.stdout);
  assert.deepEqual([packages.length, packageDatabase, distribution.name], [7, 'rpm-ndb', 'rocky/9']);

  const where = await cli.run(['where', 'openssl', '--version', '<1:3.0.7-25', '--format', 'json']);
  assert.equal(JSON.parse(where.stdout).packages.length, 1, where.stderr);
  const none = await cli.run(['where', 'openssl', '--version', '<3.0.7-99', '--format', 'json']);
  assert.equal(JSON.parse(none.stdout).packages.length, 0);

  const sbom = await cli.run(['sbom', reference]);
  assert.match(sbom.stdout, /pkg:rpm\/rocky\/openssl@3\.0\.7-24\.el9\?arch=x86_64&distro=rocky-9\.4&epoch=1/);

  const mirror = `file://${join(world.folder, 'mirror')}`;
  const outdated = await cli.run([
    'outdated',
    reference,
    '--mirror',
    mirror,
    '--format',
    'json',
    '--fail-on',
    'security',
  ]);
  assert.equal(outdated.code, 1, outdated.stderr);
  const [{ findings }] = JSON.parse(outdated.stdout).images;
  assert.deepEqual(findings, [
    {
      package: 'openssl',
      arch: 'x86_64',
      installed: '1:3.0.7-24.el9',
      candidate: '1:3.0.7-25.el9',
      repository: 'rocky/9/baseos/x86_64',
      security: true,
      advisories: ['CVE-2026-1000'],
      since: '2026-01-10T10:00:00.000Z',
      usage: 'contained',
      ...Object.fromEntries(
        Object.entries(findings[0]).filter(([name]) => ['installedArch', 'severity'].includes(name)),
      ),
    },
  ]);
  assert.ok((await readFile(join(cli.home, 'cache', 'releases', 'rpm-md_rocky_9_baseos_x86_64.release'))).length > 0);
});

test('a fleet watches upstream images that it cannot patch, those of unknown distributions too', async (context) => {
  if (!hasRpmTools('rpmbuild', 'createrepo_c')) return context.skip('createrepo_c or rpmbuild not installed');
  const cli = await openCli(context);
  const world = await RpmWorld.create();
  context.after(() => world.remove());
  const updates = await world.build([{ name: 'openssl', evr: '1:3.0.7-25.el9', arch: 'x86_64' }]);
  const repository = await world.repository('repository', updates);
  const path = 'usr/lib/sysimage/rpm/Packages.db';
  for (const name of ['acme', 'nobody']) {
    const system = { 'etc/os-release': `ID=${name}\nVERSION_ID=3\n` };
    const image = await smallImage(cli.root, name, [system, { [path]: RPM_DATABASES[path] }]);
    await image.close();
  }
  await writeFile(
    join(cli.root, 'heraklit.yaml'),
    `apiVersion: heraklit/v1
kind: Fleet
name: watched
distributions:
  acme/3:
    repositories:
      - name: base
        urls: [file://${repository}]
images:
  - name: acme
    upstream: oci:${join(cli.root, 'acme')}
  - name: nobody
    upstream: oci:${join(cli.root, 'nobody')}
`,
  );
  const run = await cli.run(['run', 'heraklit.yaml']);
  assert.equal(run.code, 0, run.stderr);
  const again = await cli.run(['run', 'heraklit.yaml']);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /unchanged/);
  const outdated = await cli.run(['outdated', '--all', '--format', 'json']);
  const found = JSON.parse(outdated.stdout).images as { reference: string; findings: { candidate: string }[] }[];
  assert.deepEqual(
    found.map(({ reference, findings }) => [reference, findings.map(({ candidate }) => candidate)]),
    [
      ['acme:latest', ['1:3.0.7-25.el9']],
      ['nobody:latest', []],
    ],
  );
});
