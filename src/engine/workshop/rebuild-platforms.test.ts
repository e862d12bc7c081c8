import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeraklitError, isHeraklitError } from '../../base/index.ts';
import { formatPlatform, type Platform, parsePlatform } from '../../oci/index.ts';
import type { RebuiltDockerfile } from './rebuild-image.ts';
import { rebuildPlatforms } from './rebuild-platforms.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/s390x'].map(parsePlatform);

/** A machine that runs amd64 alone. */
async function build(platform: Platform): Promise<RebuiltDockerfile> {
  if (platform.architecture === 'amd64') return { file: 'made' } as RebuiltDockerfile;
  const facts = { kind: 'failed', retryable: false, meaning: '' } as const;
  const code = platform.architecture === 'broken' ? 'REBUILD_FAILED' : 'REBUILD_PLATFORM_FOREIGN';
  throw new HeraklitError(code, facts, `it runs programs of ${formatPlatform(platform)}`);
}

test('platforms that cannot be built stop the whole, and all of them are named', async () => {
  await assert.rejects(rebuildPlatforms(PLATFORMS, false, build), (error) => {
    assert.ok(isHeraklitError(error, 'DOCKERFILE_PLATFORMS_MISSING'));
    assert.match(error.message, /linux\/arm64, linux\/s390x/);
    return true;
  });
});

test('where that is asked for the others are built, and they are named all the same; none at all is an error', async () => {
  const { built, missing } = await rebuildPlatforms(PLATFORMS, true, build);
  assert.deepEqual(
    built.map(({ platform }) => formatPlatform(platform)),
    ['linux/amd64'],
  );
  assert.deepEqual(missing, [
    { platform: 'linux/arm64', because: 'it runs programs of linux/arm64' },
    { platform: 'linux/s390x', because: 'it runs programs of linux/s390x' },
  ]);
  const foreign = PLATFORMS.slice(1);
  await assert.rejects(rebuildPlatforms(foreign, true, build), (error) =>
    isHeraklitError(error, 'DOCKERFILE_PLATFORMS_MISSING'),
  );
});

test('any other error is nobody’s platform', async () => {
  const broken = parsePlatform('linux/broken');
  await assert.rejects(rebuildPlatforms([broken], true, build), (error) => isHeraklitError(error, 'REBUILD_FAILED'));
});
