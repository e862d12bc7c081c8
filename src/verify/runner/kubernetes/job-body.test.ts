import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Part } from '../port.ts';
import { type JobRequest, jobBody, numericUser, policyBody } from './job-body.ts';
import { podStateOf } from './pod-state.ts';

const part: Part = {
  name: 'candidate',
  ...{ aliases: [], image: 'r.example/web@sha256:1', environment: {}, ports: [], tmpfs: [], mounts: [], limits: {} },
};
const request: JobRequest = {
  ...{ name: 'heraklit-test-1-candidate', run: '1', part, hosts: new Map(), annotations: {}, seconds: 360 },
  placement: {},
};
interface Body {
  readonly spec: {
    readonly template: {
      readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly Record<string, unknown>[] };
    };
  };
}
const podOf = (more: Partial<Part>, other: Partial<JobRequest> = {}) =>
  (jobBody({ ...request, ...other, part: { ...part, ...more } }) as Body).spec.template.spec;
const containerOf = (more: Partial<Part>) => podOf(more).containers[0] ?? {};

/** As kubelets read it: third_party/forked/golang/expansion of Kubernetes. */
function expand(text: string): string {
  let read = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '$' || at + 1 === text.length) read += text[at];
    else if (text[at + 1] === '$') {
      read += '$';
      at += 1;
    } else assert.notEqual(text[at + 1], '(', 'a reference');
  }
  return read;
}

test('whatever stands in commands and variables means itself', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' ') });
  fc.assert(
    fc.property(text, (value) => {
      const { command, args, env } = containerOf({ entrypoint: [value], command: [value], environment: { A: value } });
      assert.deepEqual((command as string[]).map(expand), [value]);
      assert.deepEqual((args as string[]).map(expand), [value]);
      assert.equal(expand((env as { value: string }[])[0]?.value ?? ''), value);
    }),
  );
});

test('a part is one container of a pod that lives no longer than its test, without rights', () => {
  assert.deepEqual(containerOf({ limits: { memory: 1024, cpus: 0.05, pids: 5 }, ports: [80, 81], user: '5:6' }), {
    ...{ name: 'candidate', image: 'r.example/web@sha256:1', imagePullPolicy: 'IfNotPresent', env: [] },
    readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, timeoutSeconds: 2 },
    resources: { limits: { memory: '1024', cpu: '50m' }, requests: { memory: '1024', cpu: '50m' } },
    securityContext: { runAsUser: 5, runAsGroup: 6 },
  });
  assert.equal(containerOf({ image: 'r.example/web:1' }).imagePullPolicy, 'Always');
  const volume = { kind: 'volume', name: 'data' } as const;
  const mounts = [
    { path: '/a', readOnly: false, source: volume },
    { path: '/b', readOnly: true, source: volume },
  ];
  const pod = podOf(
    { mounts, tmpfs: ['/t:size=1m'] },
    { hosts: new Map([['10.0.0.1', ['db', 'database']]]), placement: { pullSecret: 's', runtimeClass: 'gvisor' } },
  );
  assert.deepEqual(pod.volumes, [
    { name: 'tmpfs-1', emptyDir: { medium: 'Memory' } },
    { name: 'volume-data', emptyDir: {} },
  ]);
  assert.deepEqual(pod.containers[0]?.volumeMounts, [
    { name: 'tmpfs-1', mountPath: '/t' },
    { name: 'volume-data', mountPath: '/a', readOnly: false },
    { name: 'volume-data', mountPath: '/b', readOnly: true },
  ]);
  assert.deepEqual(pod.hostAliases, [{ ip: '10.0.0.1', hostnames: ['db', 'database'] }]);
  assert.deepEqual([pod.imagePullSecrets, pod.runtimeClassName], [[{ name: 's' }], 'gvisor']);
  assert.equal(pod.automountServiceAccountToken, false);
  const { spec } = jobBody(request) as { readonly spec: object };
  assert.partialDeepStrictEqual(spec, { backoffLimit: 0, activeDeadlineSeconds: 360, ttlSecondsAfterFinished: 360 });
  assert.deepEqual(['root', '0:root', 'shop', '1:shop'].map(numericUser), [
    { runAsUser: 0 },
    { runAsUser: 0, runAsGroup: 0 },
    undefined,
    undefined,
  ]);
  assert.match(JSON.stringify(policyBody('p', '1', {})), /"policyTypes":\["Ingress","Egress"\]/);
});

test('what became of a pod says who is to blame', () => {
  const state = (status: object, memory?: number) => podStateOf({ metadata: { name: 'x' }, status }, memory);
  const container = (one: object) => state({ containerStatuses: [{ name: 'x', state: one }] }, 5);
  const waiting = (reason: string, message = '') => container({ waiting: { reason, message } });
  const ended = (exitCode: number, reason: string, message = '') =>
    container({ terminated: { exitCode, reason, message } });
  const stat = 'exec: "/x": stat /x: no such file or directory';
  assert.deepEqual(
    [
      podStateOf(undefined).kind,
      state({ phase: 'Pending' }).kind,
      state({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }).kind,
      waiting('ContainerCreating').kind,
      ...['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName'].map((reason) => waiting(reason).kind),
      state({ phase: 'Failed', reason: 'Evicted', message: 'memory' }).kind,
      state({ conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] }).kind,
      ended(137, 'ContainerStatusUnknown').kind,
      container({ running: {} }).kind,
    ],
    ['lost', 'starting', 'unschedulable', 'starting', 'lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'running'],
  );
  assert.deepEqual(ended(137, 'OOMKilled'), {
    ...{ kind: 'ended', exitCode: 137, detail: 'it ran out of memory (limit 5 bytes)' },
  });
  assert.deepEqual(ended(2, 'Error'), { kind: 'ended', exitCode: 2, detail: '' });
  assert.partialDeepStrictEqual(ended(128, 'StartError', stat), { kind: 'refused', blame: 'part' });
  assert.partialDeepStrictEqual(ended(128, 'StartError', 'cgroup'), { kind: 'refused', blame: 'environment' });
  assert.partialDeepStrictEqual(waiting('CreateContainerError', stat), { kind: 'refused', blame: 'part' });
  assert.partialDeepStrictEqual(waiting('CreateContainerConfigError', 'runAsNonRoot'), {
    ...{ kind: 'refused', blame: 'environment' },
  });
});
