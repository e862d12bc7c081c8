import type { KubernetesClient } from '../kubernetes/client.ts';
import { type HelmRelease, readRelease } from './release.ts';

interface ReleaseSecret {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly type?: string;
  readonly data?: { readonly release?: string };
}

const TYPE = 'helm.sh/release.v1';

async function secretsAt(
  client: KubernetesClient,
  namespace: string | undefined,
  selector: string,
): Promise<readonly ReleaseSecret[]> {
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `/api/v1${inside}/secrets?labelSelector=${encodeURIComponent(selector)}`;
  return (await client.list<ReleaseSecret>(path)).filter(({ type }) => type === TYPE);
}

const revisionOf = ({ metadata }: ReleaseSecret): number => Number(metadata.labels?.version ?? 0);
const read = ({ metadata, data }: ReleaseSecret): HelmRelease =>
  readRelease(data?.release ?? '', `${metadata.namespace ?? ''}/${metadata.name}`);

/** What runs of each release: the newest revision that is deployed. What cannot be read is told and left out. */
export async function deployedReleases(
  client: KubernetesClient,
  namespaces: readonly string[] | undefined,
  told: (error: unknown) => void,
): Promise<readonly HelmRelease[]> {
  const releases: HelmRelease[] = [];
  for (const namespace of namespaces ?? [undefined]) {
    const newest = new Map<string, ReleaseSecret>();
    for (const secret of await secretsAt(client, namespace, 'owner=helm,status=deployed')) {
      const key = `${secret.metadata.namespace}/${secret.metadata.labels?.name}`;
      const known = newest.get(key);
      if (known === undefined || revisionOf(secret) > revisionOf(known)) newest.set(key, secret);
    }
    for (const secret of newest.values()) {
      try {
        releases.push(read(secret));
      } catch (error) {
        told(error);
      }
    }
  }
  return releases;
}

export interface ReleaseNow {
  readonly newest: HelmRelease;
  readonly deployed: HelmRelease | undefined;
  /** Revisions that the cluster keeps. */
  readonly kept: number;
}

/** The newest revision, whatever became of it, and the newest that is deployed. @throws HELM_RELEASE_INVALID */
export async function releaseNow(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<ReleaseNow | undefined> {
  const secrets = await secretsAt(client, namespace, `owner=helm,name=${name}`);
  const sorted = secrets.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const [newest] = sorted;
  if (newest === undefined) return undefined;
  const deployed = sorted.find(({ metadata }) => metadata.labels?.status === 'deployed');
  return {
    newest: read(newest),
    deployed: deployed === undefined ? undefined : read(deployed),
    kept: secrets.length,
  };
}
