import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { decompressBuffer, readTarBuffer } from '../archive/index.ts';
import { messageOf } from '../base/index.ts';
import { bytesContent } from './content.ts';
import { artifactError } from './errors.ts';
import type { ArtifactContent } from './types.ts';

/** helm.sh/docs/topics/registries: what Helm 3 pushes and pulls. */
export const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
export const HELM_CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/** Helm stores charts in cluster objects of at most 1 MiB; packaged ones with examples are a little larger. */
const MAX_CHART = 20 * 1024 * 1024;
const MAX_UNPACKED = 200 * 1024 * 1024;

export interface HelmChart {
  readonly name: string;
  readonly version: string;
  readonly config: ArtifactContent;
  readonly chart: ArtifactContent;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A chart's version as a tag: `+` is not in the tag grammar, Helm writes `_`. */
export const helmTag = (version: string): string => version.replaceAll('+', '_');

/** The file name under which Helm saves a pulled chart. */
export const chartFileName = (name: string, version: string): string => `${name}-${version}.tgz`;

/** A packaged chart (`helm package`) as Helm itself would push it. @throws ARTIFACT_CHART_INVALID */
export async function readHelmChart(path: string): Promise<HelmChart> {
  const invalid = (why: string, cause?: unknown): Error =>
    artifactError('ARTIFACT_CHART_INVALID', `${path} is no packaged Helm chart: ${why}`, {
      cause,
      hint: 'Give a .tgz that `helm package` wrote.',
    });
  const bytes = await readFile(path).catch((error: unknown) => {
    throw invalid(messageOf(error), error);
  });
  if (bytes.length > MAX_CHART) throw invalid(`over ${MAX_CHART} bytes`);
  let metadata: unknown;
  try {
    metadata = await chartMetadata(bytes);
  } catch (error) {
    throw invalid(messageOf(error), error);
  }
  const { name, version, description } = (metadata ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw invalid('Chart.yaml names no chart');
  if (typeof version !== 'string' || !/^v?\d+\.\d+\.\d+[A-Za-z0-9.+-]*$/.test(version)) {
    throw invalid('Chart.yaml has no semantic version (quote it if it looks like a number)');
  }
  return {
    name,
    version,
    config: bytesContent(Buffer.from(JSON.stringify(metadata)), HELM_CONFIG),
    chart: bytesContent(bytes, HELM_CHART),
    annotations: {
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
      ...(typeof description === 'string' ? { 'org.opencontainers.image.description': description } : {}),
    },
  };
}

async function chartMetadata(bytes: Buffer): Promise<unknown> {
  const tar = await decompressBuffer(bytes, 'gzip', { maxBytes: MAX_UNPACKED });
  for (const { path, type, content } of readTarBuffer(tar)) {
    // The chart's own, not a dependency's below charts/.
    if (type === 'file' && /^[^/]+\/Chart\.yaml$/.test(path)) {
      return parse(Buffer.from(content).toString('utf8'), { maxAliasCount: 10 });
    }
  }
  throw new Error('it holds no Chart.yaml');
}
