import { type Log, messageOf, silentLog } from '../../base/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import type { Workload, WorkloadRuntime } from '../port.ts';
import { type DiffLine, diffManifests } from './changes.ts';
import { helmError } from './errors.ts';
import { imagePlaces, type NewImage, parseImage } from './image-places.ts';
import { maskSecrets } from './manifest.ts';
import { findHelm, helmVersion } from './program.ts';
import type { HelmRelease } from './release.ts';
import { deployedReleases, releaseNow } from './releases.ts';
import { roll } from './roll.ts';
import { gone, placeIn, refusePending, rendered, type Session, setsOf, withChart } from './session.ts';
import type { HelmVersion } from './upgrade.ts';
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
  /** Milliseconds between two looks at pods that come up, and over helm's own timeout; for tests. */
  readonly pace?: Partial<Session['pace']>;
}

/** What an upgrade would change. */
export interface HelmSimulation {
  readonly release: string;
  readonly revision: number;
  /** As for `--set-string`, those in lists too, which helm gets as whole lists. */
  readonly set: readonly string[];
  readonly lines: readonly DiffLine[];
}

export interface HelmRuntime extends WorkloadRuntime {
  /** `release`: NAME or NAMESPACE/NAME; `place`: of its values, the only one that fits when undefined. */
  simulate(release: string, image: string, place?: string, signal?: AbortSignal): Promise<HelmSimulation>;
}

const PACE = { look: 3_000, grace: 60_000 };

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
  let version: Promise<HelmVersion | undefined> | undefined;
  const session = async (signal: AbortSignal | undefined): Promise<Session> => {
    const found = await program();
    version ??= helmVersion(found);
    return {
      ...{ client: await client(), program: found, version: await version, signal },
      target: { kubeconfig: options.kubeconfig, context: options.context },
      chart: ({ namespace, name }) => options.charts?.[`${namespace}/${name}`] ?? options.chart,
      pace: { ...PACE, ...options.pace },
    };
  };
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
    rollout: async (request, signal) => await roll(await session(signal), request),
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
  const found = await releaseNow(session.client, workload.namespace, workload.name);
  if (found?.deployed === undefined) throw gone(workload.id);
  refusePending(workload.id, found);
  const { deployed: release, kept } = found;
  const set = setsOf(placeIn(release, workload.id, name), target, workload.id);
  return await withChart(session, release, set, async (chart) => {
    const after = await rendered(session, { release, ...chart, set, kept }, target);
    return {
      release: workload.id,
      revision: release.revision,
      set: set.map(([path, text]) => setString(path, text)),
      lines: diffManifests(await maskSecrets(release.manifest), await maskSecrets(after)),
    };
  });
}
