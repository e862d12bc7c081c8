import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';

test('rollouts are told and steered from the command line; wrong use ends with 2', async (context) => {
  const cli = await openCli(context);
  const fleet = join(cli.root, 'shop.yaml');
  const head = 'apiVersion: heraklit/v1\nkind: Fleet\nimages: []\n';
  await writeFile(fleet, `${head}rollout: { stages: [{ name: test, clusters: [test] }] }\n`);
  const status = await cli.run(['rollout', 'status', '--format', 'json']);
  assert.deepEqual([status.code, JSON.parse(status.stdout)], [0, { rollouts: [], findings: [], runtimes: [] }]);
  const wrong: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [['rollout', 'pause', '7'], /ROLLOUT_UNKNOWN/],
    [['rollout', 'simulate', 'web'], /ROLLOUT_FLEET_NEEDED/],
    [['promote', 'web', '--to', 'space', '--fleet', fleet], /ROLLOUT_STAGE_UNKNOWN/],
  ];
  for (const [args, said] of wrong) {
    const ended = await cli.run(args);
    assert.equal(ended.code, 2, `${args.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stderr, said);
    assert.equal(ended.stdout, '');
  }
  await writeFile(
    fleet,
    `${head}zones:\n  - { name: a, clusters: [x], to: [b] }\n  - { name: b, clusters: [y], to: [a] }\n`,
  );
  const circle = await cli.run(['rollout', 'findings', '--fleet', fleet]);
  assert.equal(circle.code, 2);
  assert.match(circle.stderr, /shop\.yaml:5:\d+: zones\[0\]\.to\[0\]: images would go in a circle: a → b → a/);
});
