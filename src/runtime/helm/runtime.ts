import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, messageOf, redact, silentLog } from '../../base/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import { kubernetesError } from '../kubernetes/errors.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { blamePods } from '../kubernetes/status.ts';
import type { RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from '../port.ts';
import type { RolloutBlame } from '../strategy.ts';
import { type DiffLine, diffManifests } from './changes.ts';
import { writeChart } from './chart-files.ts';
import { helmError } from './errors.ts';
import { type ImagePlace, imagePlaces, manifestImages, type NewImage, parseImage } from './image-places.ts';
import { findHelm, type HelmResult, runHelm } from './program.ts';
import type { HelmRelease } from './release.ts';
import { deployedReleases, releaseNow } from './releases.ts';
import { rollbackWords, simulateWords, type UpgradeWords, upgradeWords } from './upgrade.ts';
import { setString } from './values.ts';

export interface HelmRuntimeOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  /** What ids call the cluster; its context when undefined. */
  readonly name?: string;
  readonly namespaces?: readonly string[];
  /** The program; found on the path when undefined. */
  readonly program?: string;
  /** `NAMESPACE/RELEASE` → the chart as helm finds it, `NAME --version` after a blank; else what the cluster keeps of it. */
  readonly charts?: Readonly<Record<string, string>>;
  /** The same for every release. */
  readonly chart?: string;
  readonly log?: Log;
}

/** What an upgrade would change. */
export interface HelmSimulation {
  readonly release: string;
  readonly revision: number;
  /** As given to `--set-string`. */
  readonly set: readonly string[];
  readonly lines: readonly DiffLine[];
}

export interface HelmRuntime extends WorkloadRuntime {
  /** `release`: NAME or NAMESPACE/NAME; `place`: of its values, the only one that fits when undefined. */
  simulate(release: string, image: string, place?: string, signal?: AbortSignal): Promise<HelmSimulation>;
}

/** Milliseconds over helm's own timeout. */
const GRACE = 60_000;
const SIMULATION = 120_000;

/** Helm's releases in a cluster: their containers are the places of their values that name images. */
export function createHelmRuntime(options: HelmRuntimeOptions = {}): HelmRuntime {
  const { namespaces, log = silentLog } = options;
  let connected: Promise<KubernetesClient> | undefined;
  const client = async (): Promise<KubernetesClient> => {
    connected ??= createKubernetesClient(options);
    return await connected.catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
  };
  const program = async (): Promise<string> => {
    const found = options.program ?? (await findHelm());
    if (found !== undefined) return found;
    throw helmError('HELM_FAILED', 'helm is not installed here', { hint: 'Install helm 3 or 4, on the path.' });
  };
  const session = async (signal: AbortSignal | undefined): Promise<Session> => ({
    ...{ client: await client(), program: await program(), options, signal },
  });
  const list = async (): Promise<readonly Workload[]> => {
    const at = await client();
    const releases = await deployedReleases(at, namespaces, (error) => log.warn(messageOf(error)));
    return releases.flatMap((release) => workloadOf(options.name ?? at.context, release) ?? []);
  };
  return {
    name: 'helm',
    unavailable: async () => {
      try {
        await program();
        return await unreadable(await client(), namespaces?.[0]);
      } catch (error) {
        return messageOf(error).replace(/\s*\n\s*/g, ' ');
      }
    },
    list,
    scope: async () => ({
      ...{ prefix: `helm:${options.name ?? (await client()).context}/`, namespaces, kinds: ['HelmRelease'] },
    }),
    rollout: async (request, signal) => await upgrade(await session(signal), request),
    simulate: async (release, image, place, signal) => {
      const found = (await list()).find(({ name, namespace }) => [name, `${namespace}/${name}`].includes(release));
      if (found === undefined) throw gone(release);
      return await simulate(await session(signal), found, image, place);
    },
    close: async () => {
      (await connected?.catch(() => undefined))?.close();
      connected = undefined;
    },
  };
}

/** Why releases cannot be read. */
async function unreadable(client: KubernetesClient, namespace: string | undefined): Promise<string | undefined> {
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `/api/v1${inside}/secrets`;
  const { status } = await client.call({ path, query: { labelSelector: 'owner=helm', limit: '1' } });
  return status === 200 ? undefined : `the API server answers ${status} to a look at Helm's secrets (${path})`;
}

interface Session {
  readonly client: KubernetesClient;
  readonly program: string;
  readonly options: HelmRuntimeOptions;
  readonly signal: AbortSignal | undefined;
}

const gone = (release: string): Error =>
  kubernetesError(
    'KUBERNETES_WORKLOAD_MISSING',
    `there is no Helm release ${release} whose values name an image that runs`,
  );

function workloadOf(cluster: string, release: HelmRelease): Workload | undefined {
  const { name, namespace } = release;
  const containers = imagePlaces(release).map(({ name: place, image: { repository, tag, digest } }) => ({
    name: place,
    image: `${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`,
    digest,
  }));
  const [first] = containers;
  if (first === undefined) return undefined;
  return {
    ...{ id: `helm:${cluster}/${namespace}/${name}`, kind: 'HelmRelease', name, namespace },
    ...{ image: first.image, digest: first.digest, containers, replicas: 0 },
  };
}

/** The release as it is now, at rest, with the place that is to change. @throws HELM_BUSY, KUBERNETES_WORKLOAD_MISSING */
async function placeOf(
  { client }: Session,
  workload: Workload,
  wanted: string,
): Promise<{ readonly release: HelmRelease; readonly place: ImagePlace }> {
  const found = await releaseNow(client, workload.namespace, workload.name);
  if (found?.deployed === undefined) throw gone(workload.id);
  const { newest, deployed } = found;
  if (newest.status.startsWith('pending-') || newest.status === 'uninstalling') {
    throw helmError('HELM_BUSY', `${workload.id} is ${newest.status} since ${newest.lastDeployed}`, {
      hint: `Wait for it. If whoever began it is gone: helm rollback ${deployed.name} ${deployed.revision} --namespace ${deployed.namespace}`,
    });
  }
  const place = imagePlaces(deployed).find(({ name }) => name === wanted);
  if (place === undefined) throw gone(`${workload.id} ${wanted}`);
  return { release: deployed, place };
}

/** Runs `body` with the chart: named in the settings, or written from what the cluster keeps. */
async function withChart<T>(
  { options }: Session,
  release: HelmRelease,
  body: (chart: Pick<UpgradeWords, 'chart' | 'version'>) => Promise<T>,
): Promise<T> {
  const named = options.charts?.[`${release.namespace}/${release.name}`] ?? options.chart;
  if (named !== undefined) {
    const [chart = '', version] = named.trim().split(/\s+/);
    return await body({ chart, version });
  }
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-chart-'));
  try {
    await writeChart(release, folder);
    return await body({ chart: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const said = ({ stderr, stdout, code }: HelmResult): string =>
  redact((stderr.trim() || stdout.trim() || `it ended with ${code}`).replace(/\s+/g, ' ').slice(0, 500));

function manifestIn({ stdout }: HelmResult): string {
  try {
    const { manifest } = JSON.parse(stdout) as { manifest?: unknown };
    return typeof manifest === 'string' ? manifest : '';
  } catch {
    return '';
  }
}

/** What it would make. @throws HELM_FAILED, HELM_VALUE_IGNORED */
async function rendered(session: Session, words: UpgradeWords, image: NewImage): Promise<string> {
  const result = await runHelm(session.program, simulateWords(words, session.options), SIMULATION, session.signal);
  session.signal?.throwIfAborted();
  const { name, namespace } = words.release;
  if (result.code !== 0) throw helmError('HELM_FAILED', `helm upgrade ${namespace}/${name} --dry-run: ${said(result)}`);
  const manifest = manifestIn(result);
  if (manifestImages(manifest).some(({ digest }) => digest === image.digest)) return manifest;
  throw helmError(
    'HELM_VALUE_IGNORED',
    `the chart of ${namespace}/${name} makes no image ${image.digest} of ${words.set.map(([path, text]) => setString(path, text)).join(', ')}`,
    { hint: 'It takes image names in a way of its own: change the release by hand, or its chart.' },
  );
}

/** @throws HELM_FAILED the new image cannot be said there */
function setsOf(place: ImagePlace, image: NewImage, id: string): UpgradeWords['set'] {
  const set = place.set(image);
  if (typeof set !== 'string') return set;
  throw helmError('HELM_FAILED', `${id} ${place.name}: ${set}`);
}

async function simulate(session: Session, workload: Workload, image: string, wanted?: string): Promise<HelmSimulation> {
  const parsed = parseImage(image);
  if (parsed?.digest === undefined) throw helmError('HELM_FAILED', `${image} has no digest`);
  const target: NewImage = { ...parsed, digest: parsed.digest };
  const [only, ...more] = workload.containers;
  const own = workload.containers.find((one) => parseImage(one.image)?.repository === parsed.repository);
  const name = wanted ?? own?.name ?? (more.length === 0 ? only?.name : undefined);
  if (name === undefined) {
    const known = workload.containers.map((one) => one.name).join(', ');
    throw helmError('HELM_FAILED', `${workload.id} has images at ${known}`, {
      hint: `Say which one is meant: \`container\` of rollout.workloads in the fleet file.`,
    });
  }
  const { release, place } = await placeOf(session, workload, name);
  const set = setsOf(place, target, workload.id);
  return await withChart(session, release, async (chart) => {
    const after = await rendered(session, { release, ...chart, set, timeout: SIMULATION }, target);
    const lines = diffManifests(release.manifest, after);
    return {
      release: workload.id,
      revision: release.revision,
      set: set.map(([path, text]) => setString(path, text)),
      lines,
    };
  });
}

/** Why pods with the image are not well, and whether it had a fair trial. */
async function blamed({ client }: Session, namespace: string, { digest }: NewImage) {
  const pods = await client.list<Pod>(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`);
  const found = pods.flatMap((pod) =>
    (pod.spec?.containers ?? []).flatMap(({ name, image = '' }) =>
      image.endsWith(digest) ? (blamePods([pod], name, image) ?? []) : [],
    ),
  );
  return found.find(({ blame }) => blame === 'image') ?? found[0];
}

async function upgrade(session: Session, request: RolloutRequest): Promise<RolloutOutcome> {
  const began = performance.now();
  const { workload, digest, deadline } = request;
  const { release, place } = await placeOf(session, workload, request.container ?? workload.containers[0]?.name ?? '');
  const { repository } = parseImage(request.image) ?? place.image;
  const image: NewImage = { repository, digest, tag: request.tag };
  const to = request.image;
  const facts = { workload: workload.id, to, interrupted: false };
  if (place.image.digest === digest) return { kind: 'unchanged', workload: workload.id, to };
  const { repository: old, tag, digest: ran } = place.image;
  const from = `${old}${tag === undefined ? '' : `:${tag}`}${ran === undefined ? '' : `@${ran}`}`;
  const set = setsOf(place, image, workload.id);
  return await withChart(session, release, async (chart) => {
    const words: UpgradeWords = { release, ...chart, set, timeout: deadline };
    await rendered(session, words, image);
    const target = session.options;
    const result = await runHelm(session.program, upgradeWords(words, target), deadline + GRACE, session.signal);
    const milliseconds = (): number => Math.round(performance.now() - began);
    if (result.code === 0) return { kind: 'rolledout', from, ...facts, milliseconds: milliseconds() };
    const seen = await blamed(session, release.namespace, image).catch(() => undefined);
    const blame: RolloutBlame = seen?.blame ?? 'environment';
    const reason = `helm upgrade: ${said(result)}${seen === undefined ? '' : `; ${seen.reason}`}`;
    // Also when we are to end: what is half-way is not left so.
    const back = await runHelm(session.program, rollbackWords(words, target), deadline + GRACE);
    if (back.code === 0) return { kind: 'rolledback', from, ...facts, reason, blame, milliseconds: milliseconds() };
    throw helmError(
      'HELM_ROLLBACK_INCOMPLETE',
      `${workload.id} failed on ${to} (${reason}) and did not go back to revision ${release.revision}: ${said(back)}`,
    );
  });
}
