import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../base/index.ts';
import type { FleetImage } from '../ports.ts';
import { openWorkshop } from '../workshop/workshop.ts';
import { buildOf } from './build.ts';
import { loadEngineFleet } from './load-fleet.ts';

const FLEET = 'apiVersion: heraklit/v1\nkind: Fleet\nimages: [{ name: vendor, upstream: "oci:vendor" }]\n';

test('a task whose image the fleet file no longer has is refused before anything is made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  try {
    await writeFile(join(folder, 'heraklit.yaml'), FLEET);
    const home = homeAt(join(folder, 'home'));
    const fleet = await loadEngineFleet(join(folder, 'heraklit.yaml'));
    const port = buildOf(fleet, 'amd64', openWorkshop({ home, log: silentLog, progress: silentProgress }));
    for (const recipe of ['compose', 'none'] as const) {
      const image: FleetImage = {
        ...{ image: 'gone', repository: 'gone', tag: 'latest', base: undefined, recipeDigest: undefined },
        ...{ recipe, state: 'enabled' },
      };
      const strategy = recipe === 'none' ? 'patch' : 'compose';
      const request = {
        image,
        strategy,
        previous: undefined,
        baseDigest: undefined,
        previousBaseDigest: undefined,
      } as const;
      await assert.rejects(port.build(request, new AbortController().signal), { code: 'RECIPE_GONE' });
    }
    assert.deepEqual(await readdir(folder), ['heraklit.yaml']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a rebase that is refused does not become a compose where the policy excludes that', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, 'app.yaml'),
    'apiVersion: heraklit/v1\nkind: Image\nname: app\ndistribution: debian/trixie\n',
  );
  const head = 'apiVersion: heraklit/v1\nkind: Fleet\nimages: [{ recipe: app.yaml }]\n';
  await writeFile(join(folder, 'heraklit.yaml'), `${head}policy: { strategies: [rebase] }\n`);
  const fleet = await loadEngineFleet(join(folder, 'heraklit.yaml'));
  const workshop = openWorkshop({ home: homeAt(join(folder, 'home')), log: silentLog, progress: silentProgress });
  const image = fleet.fleet.images[0] as FleetImage;
  const unknown = { previous: undefined, baseDigest: undefined, previousBaseDigest: undefined };
  await assert.rejects(
    buildOf(fleet, 'amd64', workshop).build(
      {
        ...{ image, strategy: 'rebase', ...unknown },
        alternatives: [{ strategy: 'compose', verdict: 'excluded', because: 'policy.strategies' }],
      },
      new AbortController().signal,
    ),
    { code: 'STRATEGY_EXCLUDED', message: /app cannot be rebased .*the fleet file excludes compose/ },
  );
});

test('a workload of an image that the fleet does not have is refused, with the nearest name', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, 'heraklit.yaml'),
    `${FLEET}rollout: { workloads: [{ image: vendro, workload: "podman:db" }] }\n`,
  );
  await assert.rejects(loadEngineFleet(join(folder, 'heraklit.yaml')), {
    code: 'FLEET_WORKLOAD_IMAGE_UNKNOWN',
    hint: 'Did you mean vendor?',
  });
});
