import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { certificateAuthority } from '../certificates.ts';
import type { ControlPlaneBinaries } from './binaries.ts';

/** Who may what: accounts of the static token file. */
const ADMIN = 'heraklit-test-admin';

/** Before this one the controller manager and the scheduler listen on fixed insecure ports unless told not to. */
const NO_INSECURE_PORT = 24;

export interface Programs {
  readonly children: readonly ChildProcess[];
  /** kubeconfig of somebody who may everything. */
  readonly kubeconfig: string;
  readonly server: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A kubeconfig with one context, whose user has a token. */
export function kubeconfigOf(server: string, authority: Buffer, user: object, context = 'control-plane'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: context, cluster: { server, 'certificate-authority-data': authority.toString('base64') } }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    'current-context': context,
  });
}

/** etcd, API server with RBAC, controller manager and scheduler on loopback; all they write lies in `folder`. */
export async function startPrograms(binaries: ControlPlaneBinaries, folder: string): Promise<Programs> {
  const at = (name: string): string => join(folder, name);
  const [clients, peers, secure] = [await freePort(), await freePort(), await freePort()];
  const { ca, issue } = await certificateAuthority(folder);
  const certificate = await issue('apiserver');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(at('accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  await writeFile(at('accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(at('tokens'), `${ADMIN},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const server = `https://127.0.0.1:${secure}`;
  const kubeconfig = at('kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(server, await readFile(ca), { token: ADMIN }), { mode: 0o600 });

  const start = (program: string, name: string, args: readonly string[]): ChildProcess => {
    const log = openSync(at(`${name}.log`), 'a');
    return spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] });
  };
  const store = `http://127.0.0.1:${clients}`;
  const peer = `http://127.0.0.1:${peers}`;
  const etcd = start(binaries.etcd, 'etcd', [
    ...['--name', 'only', '--data-dir', at('etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', store, '--advertise-client-urls', store],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `only=${peer}`],
  ]);
  const api = start(binaries.apiServer, 'kube-apiserver', [
    ...[`--etcd-servers=${store}`, '--bind-address=127.0.0.1', `--secure-port=${secure}`],
    ...[`--tls-cert-file=${certificate.cert}`, `--tls-private-key-file=${certificate.key}`],
    ...['--endpoint-reconciler-type=none', '--advertise-address=127.0.0.1', '--service-cluster-ip-range=10.96.0.0/16'],
    ...['--authorization-mode=RBAC', `--token-auth-file=${at('tokens')}`, '--allow-privileged=true'],
    ...[`--service-account-issuer=${server}`, `--service-account-key-file=${at('accounts.pub')}`],
    `--service-account-signing-key-file=${at('accounts.key')}`,
  ]);
  const quiet = ['--leader-elect=false', '--secure-port=0', `--kubeconfig=${kubeconfig}`];
  if (binaries.minor < NO_INSECURE_PORT) quiet.push('--port=0');
  const controllers = start(binaries.controllerManager, 'kube-controller-manager', [
    ...quiet,
    ...[`--service-account-private-key-file=${at('accounts.key')}`, `--root-ca-file=${ca}`],
    // Thousands of workloads in a test should not wait for the controllers' own throttle.
    ...['--kube-api-qps=400', '--kube-api-burst=800', '--concurrent-deployment-syncs=20'],
  ]);
  const scheduler = start(binaries.scheduler, 'kube-scheduler', [
    ...quiet,
    ...['--kube-api-qps=400', '--kube-api-burst=800'],
  ]);
  return { children: [scheduler, controllers, api, etcd], kubeconfig, server };
}
