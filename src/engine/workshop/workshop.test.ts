import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../base/index.ts';
import type { FleetDistribution } from '../../recipe/index.ts';
import { openWorkshop } from './workshop.ts';

const open = (distributions: Readonly<Record<string, FleetDistribution>>, mirror?: string) =>
  openWorkshop({
    home: homeAt('/nonexistent'),
    log: silentLog,
    progress: silentProgress,
    distributions,
    ...(mirror === undefined ? {} : { mirror }),
  });

const FLEET: Readonly<Record<string, FleetDistribution>> = {
  'debian/trixie': {
    mirrors: ['https://one.example/debian', 'https://two.example/debian/'],
    securityMirrors: ['https://sec.example/s'],
  },
  'debian/bookworm': { mirrors: ['https://old.example/debian'] },
};

test('each distribution of a fleet has its own mirrors, all of them, security apart', async () => {
  const workshop = open(FLEET);
  const trixie = await workshop.mirrors('debian/trixie');
  assert.deepEqual(
    [trixie.main, trixie.security],
    [['https://one.example/debian', 'https://two.example/debian'], ['https://sec.example/s']],
  );
  const bookworm = await workshop.mirrors('debian/bookworm');
  assert.deepEqual(
    [bookworm.main, bookworm.security],
    [['https://old.example/debian'], ['https://old.example/debian-security']],
  );
});

test('--mirror is above the fleet file', async () => {
  const { main } = await open(FLEET, 'https://mine.example/debian').mirrors('debian/trixie');
  assert.deepEqual(main, ['https://mine.example/debian']);
});

test('a package is fetched from the mirrors of the distribution its repository belongs to', async () => {
  const workshop = open(FLEET);
  assert.equal(
    await workshop.packagesOf('debian/trixie-security/main/amd64'),
    await workshop.packages('debian/trixie'),
  );
  await assert.rejects(async () => workshop.packagesOf('debian/potato/main/amd64'), {
    code: 'FEED_DISTRIBUTION_UNKNOWN',
  });
});

test('an image’s own apt sources are asked where that is wanted, and only there', async () => {
  const source = { path: 'etc/apt/sources.list', bytes: Buffer.from('deb http://image.example/debian trixie main\n') };
  const options = { home: homeAt('/nonexistent'), log: silentLog, progress: silentProgress };
  const before = process.env.HERAKLIT_MIRROR_DEBIAN;
  delete process.env.HERAKLIT_MIRROR_DEBIAN;
  try {
    const wanted = openWorkshop({ ...options, imageSources: true });
    const own = wanted.forImage({ packageSources: [source] });
    assert.equal((await own.mirrors('debian/trixie')).main[0], 'http://image.example/debian');
    // Two images with the same sources share what was opened; one without any is as before.
    assert.equal(wanted.forImage({ packageSources: [{ ...source }] }), own);
    assert.equal(wanted.forImage({ packageSources: [] }), wanted);
    // A server's workshop does not ask for it: an image that somebody pushed names nothing that is fetched.
    const server = openWorkshop(options);
    assert.equal(server.forImage({ packageSources: [source] }), server);
    assert.ok(!(await server.mirrors('debian/trixie')).main.includes('http://image.example/debian'));
    const named = openWorkshop({ ...options, imageSources: true, mirror: 'https://mine.example/debian' });
    assert.deepEqual((await named.forImage({ packageSources: [source] }).mirrors('debian/trixie')).main, [
      'https://mine.example/debian',
    ]);
  } finally {
    if (before !== undefined) process.env.HERAKLIT_MIRROR_DEBIAN = before;
  }
});

test('keys that the fleet names and nobody can read are an error that says which', async () => {
  const workshop = open({ 'alpine/3.22': { mirrors: ['file:///nonexistent'], keys: ['/nonexistent/team.rsa.pub'] } });
  await assert.rejects(workshop.shelf('alpine/3.22', 'x86_64'), { code: 'REPOSITORY_KEY_UNREADABLE' });
});
