import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { openDeb } from '../../src/distro/index.ts';
import { createPackageCache, discoverMirrors, type Mirrors, openRepositories } from '../../src/feed/index.ts';

/** The mirror this machine uses; where none answers, these tests are skipped by name. */
async function reachable(context: TestContext): Promise<{ mirrors: Mirrors; cache: string } | undefined> {
  const mirrors = await discoverMirrors({ id: 'debian' });
  const cache = await mkdtemp(join(tmpdir(), 'heraklit-'));
  context.after(() => rm(cache, { recursive: true, force: true }));
  try {
    const common = { architecture: 'amd64', mirrors, cache, attempts: 1 };
    await openRepositories({ ...common, distribution: 'debian/trixie', pockets: ['updates'] });
    return { mirrors, cache };
  } catch (error) {
    if (!isHeraklitError(error, 'FEED_UNREACHABLE')) throw error;
    context.skip('no Debian mirror reachable');
    return undefined;
  }
}

for (const codename of ['bullseye', 'bookworm', 'trixie']) {
  test(`${codename}: real repositories verify, and a real package opens`, async (context) => {
    const found = await reachable(context);
    if (found === undefined) return;
    const options = { distribution: `debian/${codename}`, architecture: 'amd64', ...found };
    const snapshots = await openRepositories(options);
    assert.deepEqual(
      snapshots.map(({ suite }) => suite),
      [codename, `${codename}-updates`, `${codename}-security`],
    );
    assert.ok((snapshots[0]?.packages.length ?? 0) > 50_000);
    const json = (value: unknown): string => JSON.stringify(value);
    const again = await openRepositories({ ...options, offline: true });
    assert.ok(json(again[2]) === json(snapshots[2]), 'the cached form is the same');
    const hostname = snapshots[0]?.packages.find(({ name }) => name === 'hostname');
    assert.ok(hostname);
    const path = await createPackageCache({ directory: found.cache, mirrors: found.mirrors }).fetch(hostname);
    const { controlStanza, data } = await openDeb(await readFile(path));
    assert.equal(controlStanza.get('Version'), hostname.version);
    assert.ok([...(await data())].some((entry) => /^(?:usr\/)?bin\/hostname$/.test(entry.path)));
  });
}

test('a suite that the mirror no longer updates is refused as expired, unless trusted', async (context) => {
  const found = await reachable(context);
  if (found === undefined) return;
  const far = { now: () => Date.UTC(2090, 0, 1) };
  const options = {
    distribution: 'debian/trixie',
    architecture: 'amd64',
    pockets: ['security'],
    ...found,
    attempts: 1,
  };
  // The keys have expired by then as well: whichever is noticed first, the suite is refused.
  await assert.rejects(openRepositories({ ...options, clock: far }), (error) =>
    isHeraklitError(error, 'RELEASE_EXPIRED', 'RELEASE_UNSIGNED'),
  );
  const week = { now: () => Date.now() + 14 * 24 * 3_600_000 };
  await assert.rejects(openRepositories({ ...options, clock: week }), (error) =>
    isHeraklitError(error, 'RELEASE_EXPIRED'),
  );
  assert.equal((await openRepositories({ ...options, clock: week, trusted: true })).length, 1);
});
