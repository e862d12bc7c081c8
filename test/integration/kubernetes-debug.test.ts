/** Ephemeral debug containers, against a peer of ours, whose kubelet is played. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createKubernetesRuntime,
  type DebugRequest,
  type DebugStreams,
  type TerminalSize,
  type Workload,
  type WorkloadRuntime,
} from '../../src/runtime/index.ts';
import { type DebugPeer, startDebugPeer } from '../fixtures/kubernetes-debug.ts';

const pod = (name: string, phase: string, ready: boolean): object => ({
  metadata: {
    name,
    namespace: 'shop',
    labels: { 'pod-template-hash': 'abc' },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web-abc', controller: true }],
  },
  spec: { containers: [{ name: 'app' }, { name: 'proxy' }] },
  status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const workload = {
  ...{ id: 'kubernetes:peer/shop/Deployment/web', kind: 'Deployment', name: 'web', namespace: 'shop', image: 'x' },
  ...{ digest: undefined, containers: [{ name: 'app', image: 'x', digest: undefined }], replicas: 2 },
} as const satisfies Workload;
const request = (more: Partial<DebugRequest> = {}): DebugRequest => ({
  ...{ image: 'registry.example/tools:1', command: ['ps', 'ax'], tty: false },
  ...more,
});
let peer: DebugPeer;
let runtime: WorkloadRuntime;
before(async () => {
  peer = await startDebugPeer([
    pod('web-abc-1', 'Pending', false),
    pod('web-abc-2', 'Running', false),
    pod('web-abc-3', 'Running', true),
  ]);
  runtime = createKubernetesRuntime({ kubeconfig: peer.kubeconfig });
});
after(async () => {
  await runtime.close();
  await peer.close();
});

function text(stream: PassThrough): () => string {
  let all = '';
  stream.on('data', (part) => {
    all += part;
  });
  return () => all;
}

async function debug(given: DebugRequest, streams: Partial<DebugStreams> = {}, signal?: AbortSignal) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const beside: string[] = [];
  const own = { stdin: undefined, stdout, stderr, begin: (copy: string) => void beside.push(copy), ...streams };
  const code = runtime.debug?.(workload, given, own, signal) ?? Promise.reject(new Error('no debug'));
  return { code, out, err, beside };
}

async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!done()) {
    assert.ok(Date.now() < end, 'it takes too long');
    await sleep(10);
  }
}

test('a ready pod gets a container that waits for us; outputs come apart, the exit code is its own', async () => {
  peer.mode = 'good';
  const stdin = new PassThrough();
  const { code, out, err, beside } = await debug(request(), { stdin });
  await until(() => err() !== '');
  stdin.write('hello exit\n');
  assert.equal(await code, 7);
  assert.deepEqual([out(), err(), beside], ['out\nhello exit\n', 'err\n', ['web-abc-3']]);
  const { name, command, ...container } = peer.container() ?? {};
  assert.match(String(name), /^heraklit-debug-[0-9a-f]{8}$/);
  assert.deepEqual((command as string[]).slice(-2), ['ps', 'ax']);
  assert.deepEqual(container, {
    ...{ image: 'registry.example/tools:1', imagePullPolicy: 'IfNotPresent', env: [], stdin: true, tty: false },
    ...{ targetContainerName: 'app', terminationMessagePolicy: 'File' },
    securityContext: { runAsUser: 0, runAsNonRoot: false, capabilities: { add: ['SYS_PTRACE'] } },
  });
});

test('a terminal has one stream and the size of ours', async () => {
  const stdin = new PassThrough();
  let resize = (_size: TerminalSize): void => {};
  const sizes: NonNullable<DebugStreams['sizes']> = (take) => {
    resize = take;
    take({ columns: 101, rows: 33 });
    return () => {};
  };
  const { code, out } = await debug(request({ tty: true, container: 'proxy', copy: 'web-abc-2' }), { stdin, sizes });
  await until(() => out().includes('err'));
  resize({ columns: 55, rows: 11 });
  await until(() => peer.sizes.some(({ width, height }) => width === 55 && height === 11));
  assert.ok(peer.sizes.some(({ width, height }) => width === 101 && height === 33));
  stdin.write('exit\r');
  assert.equal(await code, 7);
  assert.equal(peer.container()?.targetContainerName, 'proxy');
  assert.match(peer.requests.at(-2) ?? '', /web-abc-2\/attach\?.*tty=true/);
});

test('what cannot be is told as what it is', async () => {
  for (const [mode, given, code, words] of [
    ['ErrImagePull', request(), 'KUBERNETES_DEBUG_FAILED', /ErrImagePull: not found/],
    ['old', request(), 'KUBERNETES_DEBUG_FAILED', /takes no debug container/],
    ['no-attach', request(), 'KUBERNETES_DEBUG_FAILED', /cannot be attached to: .*403/],
    ['good', request({ copy: 'web-abc-1' }), 'KUBERNETES_WORKLOAD_MISSING', /no pod web-abc-1 that runs/],
    ['good', request({ container: 'db' }), 'KUBERNETES_WORKLOAD_MISSING', /no container db/],
  ] as const) {
    peer.mode = mode;
    const asked = await debug(given);
    await assert.rejects(asked.code, (error) => isHeraklitError(error, code) && words.test(error.message), mode);
  }
  peer.mode = 'good';
  const stop = new AbortController();
  const aborted = await debug(request(), {}, stop.signal);
  await until(() => aborted.err() !== '');
  stop.abort(new Error('by hand'));
  await assert.rejects(aborted.code, /by hand/);
});
