import type { TestSuite } from '../../src/recipe/index.ts';
import { kubernetesRunner } from '../../src/verify/runner/kubernetes/runner.ts';
import { planOf } from '../../src/verify/suite/plan.ts';
import { runSuite, type SuiteResult } from '../../src/verify/suite/run-suite.ts';

/** Where tests of images run, and what their containers run there. */
export interface ClusterTestWorld {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly image: string;
  readonly shell: (script: string) => readonly string[];
  /** Serves `{"state":{"items":["a/b"]}}` at `/index.html` of port $PORT, on all its addresses. */
  readonly serve: readonly string[];
  /** Free ports: containers of a peer share one network. */
  readonly ports: readonly [number, number, number];
}

export async function verifyOnCluster(
  { kubeconfig, namespace, image }: ClusterTestWorld,
  suite: TestSuite,
  candidate = image,
  signal?: AbortSignal,
): Promise<SuiteResult> {
  const runner = kubernetesRunner({ kubeconfig, namespace });
  const inputs = { candidate, exposed: [], resolve: (one: string) => one, hostFolder: (path: string) => path };
  try {
    return await runSuite(planOf(suite, inputs), runner, { folder: '/', signal });
  } finally {
    await runner.close();
  }
}

/** Every kind of step, a service first, and what has to stay as it is written. */
export function wholeSuite({ image, shell, serve, ports: [port, other, closed] }: ClusterTestWorld): TestSuite {
  const fetching = `fetch(process.env.HERAKLIT_CANDIDATE_URL + '/index.html').then((a) => process.exit(a.status === 200 && process.env.HERAKLIT_DATABASE_ADDRESS ? 0 : 1))`;
  return {
    timeout: 120,
    limits: { memory: '128MiB', cpus: 1, pids: 64 },
    services: {
      database: {
        image,
        entrypoint: serve,
        environment: { PORT: other },
        ready: { http: { port: other, path: '/index.html' } },
      },
      other: { image, entrypoint: shell('sleep 300'), needs: ['database'], ready: { exec: shell('true') } },
    },
    candidate: {
      environment: { PORT: port, PASSWORD: 'hunter22', COST: '$$5 $(PORT) $PORT$' },
      entrypoint: shell(`echo "cost: $COST with $PASSWORD" >&2; exec "$0" "$@"`).concat(serve),
      ready: { tcp: port },
    },
    steps: [
      { http: { port, path: '/index.html', status: 200, contains: 'state', json: { '/state/items/0': 'a/b' } } },
      { http: { port, path: '/missing', status: [403, 404] } },
      { http: { path: '/index.html', service: 'database', port: other } },
      { tcp: { port, send: 'HEAD / HTTP/1.0\r\n\r\n', expect: '^HTTP/1\\.[01] \\d' } },
      { tcp: { port } },
      {
        exec: {
          command: shell('echo "$COST"; echo oops >&2'),
          stdout: { contains: '$$5 $(PORT) $PORT$' },
          stderr: { matches: '^oops$' },
        },
      },
      { exec: { command: shell('exit 3'), status: 3 } },
      { exec: { command: ['/bin/nothing-of-the-kind'], status: 127 } },
      { log: { matches: '^cost: \\$\\$5' } },
      { log: { absent: 'panic' } },
      { test: { image, entrypoint: shell('exit 4'), status: 4 } },
      { name: 'from this host', run: { command: [process.execPath, '-e', fetching] } },
      { name: 'closed', tcp: { port: closed }, within: 2 },
    ],
  };
}

export const failing = ({ steps }: SuiteResult): Record<string, string> =>
  Object.fromEntries(steps.filter(({ passed }) => !passed).map(({ name, detail }) => [name, detail]));
