/**
 * A real Kubernetes control plane on loopback: etcd, kube-apiserver (RBAC on), kube-controller-manager, kube-scheduler,
 * and nodes that are played, since there is no kubelet. Programs come from the folders that HERAKLIT_TEST_CONTROL_PLANE
 * names; docs/testing-on-kubernetes.md says how to build them.
 *
 *     node test/support/control-plane.ts start [--nodes N] [--folder DIR] [--delay MILLISECONDS]
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openApi, type RealApi } from './control-plane/api.ts';
import { type ControlPlaneBinaries, findBinaries } from './control-plane/binaries.ts';
import { playNodes } from './control-plane/nodes.ts';
import { type ProgramName, type Programs, startPrograms } from './control-plane/programs.ts';

/** Milliseconds until the API server must answer, on a loaded machine. */
const PATIENCE = 120_000;

export interface ControlPlaneOptions {
  /** Where all of it lies; a folder of its own that is removed at the end when undefined. */
  readonly folder?: string;
  /** 0: pods stay pending, as where no node has joined. */
  readonly nodes?: number;
  /** Milliseconds from a pod's binding to its containers' state. */
  readonly delay?: number;
}

export interface ControlPlane {
  /** Of somebody who may everything. */
  readonly kubeconfig: string;
  readonly server: string;
  readonly api: RealApi;
  readonly programs: Programs;
  /** Starts what was killed, and waits until the API server answers. */
  revive(...names: readonly ProgramName[]): Promise<void>;
  close(): Promise<void>;
}

async function answering(api: RealApi, programs: Programs, folder: string): Promise<void> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const ready = await api.call('GET', '/readyz').catch(() => undefined);
    if (ready?.status === 200) break;
    const dead = programs.dead();
    if (dead !== undefined || Date.now() > until) {
      const log = await readFile(join(folder, 'kube-apiserver.log'), 'utf8').catch(() => '');
      throw new Error(`the control plane did not start (${dead?.spawnfile ?? 'in time'}): ${log.slice(-2_000)}`);
    }
    await sleep(100);
  }
}

/** Pods need the account that the controller manager makes. */
async function controlled(api: RealApi): Promise<void> {
  while ((await api.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200) await sleep(100);
}

export async function startControlPlane(
  binaries: ControlPlaneBinaries,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'heraklit-control-plane-')));
  await mkdir(folder, { recursive: true });
  const programs = await startPrograms(binaries, folder);
  const api = await openApi(programs.kubeconfig);
  const ended = new AbortController();
  const close = async (): Promise<void> => {
    ended.abort();
    api.close();
    await programs.close();
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await answering(api, programs, folder);
    programs.start('kube-controller-manager');
    programs.start('kube-scheduler');
    await controlled(api);
  } catch (error) {
    await close();
    throw error;
  }
  void playNodes({ api, count: options.nodes ?? 3, delay: options.delay ?? 100, signal: ended.signal });
  const revive = async (...names: readonly ProgramName[]): Promise<void> => {
    for (const name of names) programs.start(name);
    await answering(api, programs, folder);
  };
  return { kubeconfig: programs.kubeconfig, server: programs.server, api, programs, revive, close };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { nodes: { type: 'string' }, folder: { type: 'string' }, delay: { type: 'string' } },
  });
  const binaries = await findBinaries();
  if (positionals[0] !== 'start' || typeof binaries === 'string') {
    process.stderr.write(
      `usage: node test/support/control-plane.ts start [--nodes N] [--folder DIR] [--delay MS]\n${typeof binaries === 'string' ? binaries : ''}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const plane = await startControlPlane(binaries, {
    ...(values.folder === undefined ? {} : { folder: values.folder }),
    ...(values.nodes === undefined ? {} : { nodes: Number(values.nodes) }),
    ...(values.delay === undefined ? {} : { delay: Number(values.delay) }),
  });
  process.stdout.write(`export KUBECONFIG=${plane.kubeconfig}\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await plane.close();
}

if (import.meta.main) await main();
