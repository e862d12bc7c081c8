/** Runs one test suite on a cluster, so that another process can kill it: argv = kubeconfig, namespace, image, command as JSON. */
import { kubernetesRunner } from '../../src/verify/runner/kubernetes/runner.ts';
import { planOf } from '../../src/verify/suite/plan.ts';
import { runSuite } from '../../src/verify/suite/run-suite.ts';

const [kubeconfig = '', namespace = '', image = '', sleep = '[]'] = process.argv.slice(2);
const inputs = { candidate: image, exposed: [], resolve: (one: string) => one, hostFolder: (path: string) => path };
const command = JSON.parse(sleep) as string[];
const plan = planOf(
  {
    services: { first: { image, entrypoint: command } },
    candidate: { entrypoint: command },
    steps: [{ exec: { command }, within: 600 }],
  },
  inputs,
);
await runSuite(plan, kubernetesRunner({ kubeconfig, namespace }), { folder: '.', signal: undefined });
