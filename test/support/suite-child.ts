/** Runs one test suite on podman, so that another process can kill it: argv = storage arguments as JSON, image. */
import { createEngineRuntime } from '../../src/runtime/index.ts';
import { engineRunner } from '../../src/verify/runner/engine.ts';
import { planOf } from '../../src/verify/suite/plan.ts';
import { runSuite } from '../../src/verify/suite/run-suite.ts';

const [storage = '[]', image = ''] = process.argv.slice(2);
const runtime = createEngineRuntime({ command: 'podman', engineArguments: JSON.parse(storage) as string[] });
const inputs = { candidate: image, exposed: [], resolve: (one: string) => one, hostFolder: (path: string) => path };
const sleep = ['/bin/busybox', 'sleep', '600'];
const plan = planOf(
  {
    services: { first: { image, command: sleep, volumes: ['data:/data'] }, second: { image, command: sleep } },
    candidate: { command: sleep },
    steps: [{ exec: { command: sleep }, within: 600 }],
  },
  inputs,
);
await runSuite(plan, engineRunner(runtime), { folder: '.', signal: undefined });
await runtime.close();
