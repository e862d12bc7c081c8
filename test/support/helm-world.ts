/** Charts, releases and a real helm on a real API server. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHelmRuntime, type HelmRuntime, type RolloutOutcome } from '../../src/runtime/index.ts';
import type { TestCluster } from './cluster.ts';

/** Programs to test with, as PATH separates them. */
export const HELM_VARIABLE = 'HERAKLIT_TEST_HELM';

export interface ChartFacts {
  readonly name: string;
  readonly values: object;
  /** Template expressions of the images of one Deployment's containers. */
  readonly images: readonly string[];
  readonly metadata?: object;
  /** Further files. */
  readonly files?: Readonly<Record<string, string>>;
}

const deployment = (images: readonly string[]): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Release.Name }}-{{ .Chart.Name }}" }
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: { matchLabels: { app: "{{ .Release.Name }}-{{ .Chart.Name }}" } }
  template:
    metadata: { labels: { app: "{{ .Release.Name }}-{{ .Chart.Name }}" } }
    spec:
      containers:
${images.map((image, at) => `        - { name: c${at}, image: "${image}" }`).join('\n')}
`;

export async function writeTestChart(folder: string, { name, values, images, metadata, files }: ChartFacts) {
  const all = {
    'Chart.yaml': JSON.stringify({ apiVersion: 'v2', name, version: '1.0.0', appVersion: '1', ...metadata }),
    'values.yaml': JSON.stringify(values),
    'templates/web.yaml': deployment(images),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

export interface HelmAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HelmWorld {
  readonly folder: string;
  readonly cluster: TestCluster;
  readonly runtime: HelmRuntime;
  /** In the namespace of the test. */
  helm(...words: readonly string[]): Promise<HelmAnswer>;
  /** @throws what helm says when it fails */
  done(...words: readonly string[]): Promise<string>;
  install(release: string, chart: ChartFacts, ...words: readonly string[]): Promise<void>;
  /** Images of a release's Deployment. */
  images(release: string, chart?: string): Promise<readonly string[]>;
  /** Status of each revision, oldest first. */
  history(release: string): Promise<readonly string[]>;
  rollout(release: string, image: string, more?: { container?: string; deadline?: number }): Promise<RolloutOutcome>;
  close(): Promise<void>;
}

export async function openHelmWorld(
  cluster: TestCluster,
  program: string,
  charts: Readonly<Record<string, string>> = {},
): Promise<HelmWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-helm-'));
  const { kubeconfig, namespace, api } = cluster;
  const env = {
    ...process.env,
    ...Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((one) => [`HELM_${one}_HOME`, join(folder, one)])),
  };
  const runtime = createHelmRuntime({
    kubeconfig,
    namespaces: [namespace],
    program,
    charts,
    pace: { look: 200, grace: 2_000 },
  });
  const helm: HelmWorld['helm'] = (...words) =>
    new Promise((resolve) => {
      execFile(
        program,
        [...words, '--namespace', namespace, '--kubeconfig', kubeconfig],
        { env, cwd: folder },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, stdout, stderr }),
      );
    });
  const done: HelmWorld['done'] = async (...words) => {
    const { code, stdout, stderr } = await helm(...words);
    if (code !== 0) throw new Error(`helm ${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    ...{ folder, cluster, runtime, helm, done },
    async install(release, chart, ...words) {
      const at = join(folder, 'charts', release);
      await writeTestChart(at, chart);
      await done('install', release, at, '--wait', '--timeout', '120s', ...words);
    },
    async images(release, chart = 'web') {
      const { body } = await api.call('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${release}-${chart}`);
      return (body.spec.template.spec.containers as { image: string }[]).map(({ image }) => image);
    },
    history: async (release) =>
      (JSON.parse(await done('history', release, '--output', 'json')) as { status: string }[]).map(
        ({ status }) => status,
      ),
    async rollout(release, image, { container, deadline = 120_000 } = {}) {
      const workload = (await runtime.list()).find(({ name }) => name === release);
      if (workload === undefined) throw new Error(`no release ${release}`);
      const digest = image.split('@')[1] as `sha256:${string}`;
      const named = image.replace(/:[^:/@]+@/, '@');
      return await runtime.rollout({
        ...{ workload, image: named, digest, tag: '2', deadline },
        ...(container === undefined ? {} : { container }),
      });
    },
    async close() {
      await runtime.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
