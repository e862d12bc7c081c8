import { gunzipSync } from 'node:zlib';
import { messageOf } from '../../base/index.ts';
import { helmError } from './errors.ts';

/** Bytes of a release unpacked: a secret holds 1 MiB, and charts shrink to a tenth. */
const MAX_RELEASE = 64 * 1024 * 1024;
const MAX_SECRET = 4 * 1024 * 1024;
const MAX_FILES = 10_000;

export type Values = Readonly<Record<string, unknown>>;

/** A file of a chart, by its path inside the chart. */
export interface ChartFile {
  readonly name: string;
  /** base64 */
  readonly data: string;
}

/** What Helm keeps of a revision; dependencies of the chart are not among it. */
export interface HelmRelease {
  readonly name: string;
  readonly namespace: string;
  readonly revision: number;
  /** `deployed`, `pending-upgrade`, … */
  readonly status: string;
  readonly lastDeployed: string;
  readonly chart: {
    readonly name: string;
    readonly metadata: Values;
    readonly values: Values;
    readonly templates: readonly ChartFile[];
    readonly files: readonly ChartFile[];
    /** base64, or '' */
    readonly schema: string;
    readonly dependencies: number;
  };
  /** What the user set over the chart's own. */
  readonly config: Values;
  readonly manifest: string;
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
const mapAt = (value: unknown, key: string): Values => {
  const found = isMap(value) ? value[key] : undefined;
  return isMap(found) ? found : {};
};
const textAt = (value: unknown, key: string): string => {
  const found = isMap(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : '';
};
const listAt = (value: unknown, key: string): readonly unknown[] => {
  const found = isMap(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
};

function filesAt(chart: unknown, key: string): readonly ChartFile[] {
  const files = listAt(chart, key);
  if (files.length > MAX_FILES) throw new Error(`more than ${MAX_FILES} files`);
  return files.flatMap((file) => (isMap(file) ? [{ name: textAt(file, 'name'), data: textAt(file, 'data') }] : []));
}

function unpack(data: string): unknown {
  if (data.length > MAX_SECRET) throw new Error(`more than ${MAX_SECRET} characters`);
  const packed = Buffer.from(Buffer.from(data, 'base64').toString('latin1'), 'base64');
  const gzip = packed[0] === 0x1f && packed[1] === 0x8b;
  const bytes = gzip ? gunzipSync(packed, { maxOutputLength: MAX_RELEASE }) : packed;
  return JSON.parse(bytes.toString('utf8'));
}

/**
 * Reads `data.release` of a secret `sh.helm.release.v1.NAME.vREVISION`: base64 of Kubernetes, base64 of Helm, gzip, JSON.
 * @throws HELM_RELEASE_INVALID
 * @see https://helm.sh/docs/topics/advanced/#storage-backends
 */
export function readRelease(data: string, secret: string): HelmRelease {
  try {
    const release = unpack(data);
    if (!isMap(release)) throw new Error('no object');
    const chart = mapAt(release, 'chart');
    const metadata = mapAt(chart, 'metadata');
    const name = textAt(release, 'name');
    const revision = release.version;
    if (!/^[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?$/.test(name) || !Number.isInteger(revision)) {
      throw new Error('no name or revision');
    }
    return {
      ...{ name, namespace: textAt(release, 'namespace'), revision: revision as number },
      status: textAt(mapAt(release, 'info'), 'status'),
      lastDeployed: textAt(mapAt(release, 'info'), 'last_deployed'),
      chart: {
        ...{ name: textAt(metadata, 'name'), metadata, values: mapAt(chart, 'values') },
        ...{ templates: filesAt(chart, 'templates'), files: filesAt(chart, 'files'), schema: textAt(chart, 'schema') },
        dependencies: listAt(metadata, 'dependencies').length,
      },
      config: mapAt(release, 'config'),
      manifest: textAt(release, 'manifest'),
    };
  } catch (cause) {
    throw helmError('HELM_RELEASE_INVALID', `${secret} holds no Helm release: ${messageOf(cause)}`, { cause });
  }
}
