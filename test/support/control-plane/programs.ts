import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { certificateAuthority } from '../certificates.ts';
import { endChild } from '../end-child.ts';
import type { ControlPlaneBinaries } from './binaries.ts';

/** Who may what: accounts of the static token file. */
const ADMIN = 'heraklit-test-admin';

/** Before this one the controller manager and the scheduler listen on fixed insecure ports unless told not to. */
const NO_INSECURE_PORT = 24;

/** Who is ended before whom. */
const ENDED = ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'] as const;
export type ProgramName = (typeof ENDED)[number];

export interface Programs {
  /** One that has ended by itself, if any. */
  dead(): ChildProcess | undefined;
  /** Ended as if its machine were gone, until it is started again. */
  kill(name: ProgramName): Promise<void>;
  /** With the arguments and on the port it had. */
  start(name: ProgramName): void;
  close(): Promise<void>;
  /** kubeconfig of somebody who may everything. */
  readonly kubeconfig: string;
  readonly server: string;
  /** Where etcd answers clients. */
  readonly store: string;
  /** File of the key that tokens of service accounts are signed with. */
  readonly accountKey: string;
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

/** etcd and an API server with RBAC on loopback, controller manager and scheduler to be started when it answers; all they write lies in `folder`. */
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

  const store = `http://127.0.0.1:${clients}`;
  const peer = `http://127.0.0.1:${peers}`;
  const quiet = ['--leader-elect=false', '--secure-port=0', `--kubeconfig=${kubeconfig}`];
  if (binaries.minor < NO_INSECURE_PORT) quiet.push('--port=0');
  // Thousands of workloads in a test should not wait for the controllers' own throttle.
  quiet.push('--kube-api-qps=2000', '--kube-api-burst=4000');
  const commands: Readonly<Record<ProgramName, readonly string[]>> = {
    etcd: [
      ...[binaries.etcd, '--name', 'only', '--data-dir', at('etcd'), '--unsafe-no-fsync'],
      ...['--listen-client-urls', store, '--advertise-client-urls', store],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `only=${peer}`],
    ],
    'kube-apiserver': [
      ...[binaries.apiServer, `--etcd-servers=${store}`, '--bind-address=127.0.0.1', `--secure-port=${secure}`],
      ...[`--tls-cert-file=${certificate.cert}`, `--tls-private-key-file=${certificate.key}`],
      ...[
        '--endpoint-reconciler-type=none',
        '--advertise-address=127.0.0.1',
        '--service-cluster-ip-range=10.96.0.0/16',
      ],
      ...['--authorization-mode=RBAC', `--token-auth-file=${at('tokens')}`, '--allow-privileged=true'],
      ...[`--service-account-issuer=${server}`, `--service-account-key-file=${at('accounts.pub')}`],
      `--service-account-signing-key-file=${at('accounts.key')}`,
    ],
    'kube-controller-manager': [
      ...[binaries.controllerManager, ...quiet],
      ...[`--service-account-private-key-file=${at('accounts.key')}`, `--root-ca-file=${ca}`],
      ...['--concurrent-deployment-syncs=20', '--concurrent-replicaset-syncs=20', '--concurrent-endpoint-syncs=5'],
    ],
    'kube-scheduler': [binaries.scheduler, ...quiet],
  };
  const running = new Map<ProgramName, ChildProcess>();
  const start = (name: ProgramName): void => {
    const [program = '', ...args] = commands[name];
    const log = openSync(at(`${name}.log`), 'a');
    running.set(name, spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] }));
    closeSync(log);
  };
  const end = async (name: ProgramName, signal?: NodeJS.Signals): Promise<void> => {
    const child = running.get(name);
    running.delete(name);
    if (child !== undefined) await endChild(child, signal);
  };
  // The others end by themselves where no API server answers within some seconds.
  for (const name of ['etcd', 'kube-apiserver'] as const) start(name);
  return {
    dead: () => [...running.values()].find(({ exitCode }) => exitCode !== null),
    kill: async (name) => await end(name, 'SIGKILL'),
    start,
    close: async () => {
      for (const name of ENDED) await end(name);
    },
    kubeconfig,
    server,
    store,
    accountKey: at('accounts.key'),
  };
}
