/**
 * What starting a program costs where maintainer scripts run: `/bin/true` a thousand times from a shell, in a plain
 * chroot on disk, in our sandbox as patch uses it (overlay in memory) and as compose does (reads noted), and in
 * `buildah run`. Prints milliseconds of each start, elapsed and of processor time (not of buildah's, whose start is in it).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox, type Sandbox } from '../src/runtime/sandbox/index.ts';
import { containerStorage, releaseRoot, sh } from './fixtures.ts';
import { median } from './harness.ts';

const STARTS = 1000;
const RUNS = 5;
const root = releaseRoot('trixie', []);
if (!statSync(root).isDirectory()) throw new Error(`${root} is no folder: remove it and run again`);
/** `times` prints what the shell used, and on its second line what its children did. */
const script = `i=0; while [ $i -lt ${STARTS} ]; do /bin/true; i=$((i+1)); done; times`;

interface Cost {
  readonly elapsed: number;
  readonly processor: number | undefined;
}

function processorOf(output: string): number {
  const seconds = [...output.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  return seconds.reduce((sum, value) => sum + value, 0);
}

async function cost(name: string, run: () => Promise<string | undefined>): Promise<void> {
  const costs: Cost[] = [];
  for (let turn = 0; turn < RUNS; turn += 1) {
    const started = performance.now();
    const output = await run();
    const elapsed = (performance.now() - started) / STARTS;
    costs.push({ elapsed, processor: output === undefined ? undefined : (processorOf(output) * 1000) / STARTS });
  }
  const processor = costs.flatMap((one) => one.processor ?? []);
  const used = processor.length === 0 ? '' : `, ${median(processor).toFixed(2)} ms of processor time`;
  console.log(`${name}: ${median(costs.map(({ elapsed }) => elapsed)).toFixed(2)} ms${used}`);
}

async function inSandbox(name: string, open: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'heraklit-start-'));
  const sandbox = await createSandbox({ mountPoint });
  try {
    await open(sandbox);
    await cost(name, async () => (await sandbox.run(['/bin/sh', '-c', script])).stdout.toString());
  } finally {
    await sandbox.close();
    rmSync(mountPoint, { recursive: true, force: true });
  }
}

await cost(
  'chroot on disk',
  async () => spawnSync('chroot', [root, '/bin/sh', '-c', script], { encoding: 'utf8' }).stdout,
);
await inSandbox('sandbox, overlay in memory', async (sandbox) => {
  sh('cp', '--archive', `${root}/.`, await sandbox.directory('root'));
  await sandbox.mount(['root']);
});
await inSandbox('sandbox, reads noted', async (sandbox) => {
  sh('cp', '--archive', `${root}/.`, await sandbox.recordedRoot());
  (await sandbox.record())();
});
const storage = containerStorage();
const container = sh('buildah', ...storage, 'from', 'scratch').trim();
sh('buildah', ...storage, 'add', '--quiet', container, root, '/');
await cost('buildah run, chroot isolation', async () => {
  sh('buildah', ...storage, 'run', '--isolation', 'chroot', container, '--', '/bin/sh', '-c', script);
  return undefined;
});
sh('buildah', ...storage, 'rm', container);
