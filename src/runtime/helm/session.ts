import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '../../base/index.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { kubernetesError } from '../kubernetes/errors.ts';
import { writeChart } from './chart-files.ts';
import { helmError } from './errors.ts';
import { type ImagePlace, imagePlaces, manifestImages, type NewImage, type SetValue } from './image-places.ts';
import { labelsWith } from './manifest.ts';
import { type HelmResult, runHelm } from './program.ts';
import type { HelmRelease } from './release.ts';
import type { ReleaseNow } from './releases.ts';
import { type HelmTarget, type HelmVersion, simulateWords, type UpgradeWords } from './upgrade.ts';
import { listValues, mergeValues, setString } from './values.ts';

/** What a change of a release needs. */
export interface Session {
  readonly client: KubernetesClient;
  readonly program: string;
  readonly version: HelmVersion | undefined;
  readonly target: HelmTarget;
  /** The chart as helm finds it, `NAME VERSION`; what the cluster keeps of it when undefined. */
  readonly chart: (release: HelmRelease) => string | undefined;
  /** Milliseconds between two looks at the pods, and over helm's own timeout. */
  readonly pace: { readonly look: number; readonly grace: number };
  readonly signal: AbortSignal | undefined;
}

const SIMULATION = 120_000;

export const gone = (release: string): Error =>
  kubernetesError(
    'KUBERNETES_WORKLOAD_MISSING',
    `there is no Helm release ${release} whose values name an image that runs`,
  );

/** Whether an operation on it is under way, or was left half-way. */
export const isPending = ({ status }: HelmRelease): boolean =>
  status.startsWith('pending-') || status === 'uninstalling';

/** @throws HELM_BUSY */
export function refusePending(id: string, { newest, deployed }: ReleaseNow): void {
  if (!isPending(newest)) return;
  const back =
    deployed === undefined
      ? ''
      : ` If whoever began it is gone: helm rollback ${deployed.name} ${deployed.revision} --namespace ${deployed.namespace}`;
  throw helmError('HELM_BUSY', `${id} is ${newest.status} since ${newest.lastDeployed}`, {
    hint: `Wait for it.${back}`,
  });
}

/** @throws KUBERNETES_WORKLOAD_MISSING */
export function placeIn(release: HelmRelease, id: string, wanted: string): ImagePlace {
  const place = imagePlaces(release).find(({ name }) => name === wanted);
  if (place === undefined) throw gone(`${id} ${wanted}`);
  return place;
}

/** @throws HELM_FAILED the new image cannot be said there */
export function setsOf(place: ImagePlace, image: NewImage, id: string): readonly SetValue[] {
  const set = place.set(image);
  if (typeof set !== 'string') return set;
  throw helmError('HELM_FAILED', `${id} ${place.name}: ${set}`);
}

/** Runs `body` with the chart (named in the settings, or written from what the cluster keeps) and values no word can set. */
export async function withChart<T>(
  session: Session,
  release: HelmRelease,
  set: readonly SetValue[],
  body: (words: Pick<UpgradeWords, 'chart' | 'version' | 'values'>) => Promise<T>,
): Promise<T> {
  const named = session.chart(release);
  const lists = listValues(mergeValues(release.chart.values, release.config), set);
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-chart-'));
  const values = lists === undefined ? undefined : join(folder, 'values.json');
  try {
    // Values may be secret.
    if (values !== undefined) await writeFile(values, JSON.stringify(lists), { mode: 0o600 });
    if (named !== undefined) {
      const [chart = '', version] = named.trim().split(/\s+/);
      return await body({ chart, version, values });
    }
    const chart = join(folder, 'chart');
    await writeChart(release, chart);
    return await body({ chart, values });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const said = ({ stderr, stdout, code }: HelmResult): string =>
  redact((stderr.trim() || stdout.trim() || `it ended with ${code}`).replace(/\s+/g, ' ').slice(0, 500));

function manifestIn({ stdout }: HelmResult): string {
  try {
    const { manifest } = JSON.parse(stdout) as { manifest?: unknown };
    return typeof manifest === 'string' ? manifest : '';
  } catch {
    return '';
  }
}

/** What it would make. @throws HELM_FAILED, HELM_VALUE_IGNORED, HELM_VALUE_MISUSED */
export async function rendered(
  session: Session,
  words: Omit<UpgradeWords, 'timeout'>,
  image: NewImage,
): Promise<string> {
  const asked = simulateWords({ ...words, timeout: SIMULATION }, session.target, session.version);
  const result = await runHelm(session.program, asked, SIMULATION, session.signal);
  session.signal?.throwIfAborted();
  const { name, namespace } = words.release;
  if (result.code !== 0) throw helmError('HELM_FAILED', `helm upgrade ${namespace}/${name} --dry-run: ${said(result)}`);
  const manifest = manifestIn(result);
  const set = words.set.map(([path, text]) => setString(path, text)).join(', ');
  if (!manifestImages(manifest).some(({ digest }) => digest === image.digest)) {
    throw helmError(
      'HELM_VALUE_IGNORED',
      `the chart of ${namespace}/${name} makes no image ${image.digest} of ${set}`,
      {
        hint: 'It takes image names in a way of its own: change the release by hand, or its chart.',
      },
    );
  }
  const [label] = await labelsWith(manifest, image.digest);
  if (label === undefined) return manifest;
  throw helmError('HELM_VALUE_MISUSED', `the chart of ${namespace}/${name} makes a label of ${set} (${label})`, {
    hint: 'Labels hold no digests. Have the chart take a digest of its own (image.digest), or label with something else.',
  });
}
