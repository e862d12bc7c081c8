import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLog, silentProgress } from '../../src/base/index.ts';
import { forgetPackages, openPrepared, preparePackages } from '../../src/build/patch/prepare-packages.ts';
import type { RepositoryPackage } from '../../src/distro/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { buildDeb } from '../support/debian-mirror.ts';

const folder = await mkdtemp(join(tmpdir(), 'prepared-'));
after(() => rm(folder, { recursive: true, force: true }));

test('each package is uncompressed once, and again where the file is damaged', async () => {
  const deb = buildDeb({
    control: { Package: 'app', Version: '2', Architecture: 'amd64', Maintainer: 'm', Description: 'x' },
    files: { 'usr/share/app': 'new' },
  });
  await writeFile(join(folder, 'app.deb'), deb);
  const pkg = { name: 'app', version: '2', sha256: digestOf(deb).slice(7) } as RepositoryPackage;
  let fetched = 0;
  const source = {
    packages: {
      fetchAll: async (wanted: readonly RepositoryPackage[]) => {
        fetched += wanted.length;
        return wanted.map(() => join(folder, 'app.deb'));
      },
    },
    ...{ plainPackages: join(folder, 'plain'), log: silentLog, progress: silentProgress },
  };
  const prepare = async () => {
    const [prepared] = await preparePackages([pkg], source);
    assert.ok(prepared);
    assert.ok((await openPrepared(prepared)).control.has('control'));
    assert.ok(prepared.newest > 0);
    return prepared;
  };
  const { file } = await prepare();
  await prepare();
  assert.equal(fetched, 1);
  await truncate(file, 100);
  await prepare();
  assert.equal(fetched, 2);
  await writeFile(`${file}.json`, '{');
  const prepared = await prepare();
  assert.equal(fetched, 3);
  const whole = await readFile(file);
  await forgetPackages([prepared]);
  await prepare();
  assert.equal(fetched, 4);
  assert.deepEqual(await readFile(file), whole);
});
