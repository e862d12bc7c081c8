import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { helmError } from './errors.ts';
import type { ChartFile, HelmRelease } from './release.ts';

/** A path below the chart; undefined for what leads out of it, which is then no file of a chart. */
function inside(name: string): string | undefined {
  const path = posix.normalize(name.replaceAll('\\', '/'));
  if (path === '.' || path.startsWith('/') || path === '..' || path.startsWith('../') || path.includes('\0'))
    return undefined;
  return path;
}

/**
 * Writes the chart that a release was made of, as the cluster keeps it, into an empty folder.
 * @throws HELM_CHART_INCOMPLETE it had dependencies, which are not kept
 */
export async function writeChart({ name, namespace, chart }: HelmRelease, folder: string): Promise<void> {
  if (chart.dependencies > 0) {
    throw helmError(
      'HELM_CHART_INCOMPLETE',
      `${namespace}/${name} was made of ${chart.name}, which has dependencies that the cluster does not keep`,
      { hint: 'Name the chart: rollout.charts of the fleet file, or --chart.' },
    );
  }
  const text = (file: string, value: unknown): ChartFile => ({
    name: file,
    data: Buffer.from(JSON.stringify(value)).toString('base64'),
  });
  const files = [
    ...chart.files,
    ...chart.templates,
    // JSON is YAML.
    text('Chart.yaml', chart.metadata),
    text('values.yaml', chart.values),
    ...(chart.schema === '' ? [] : [{ name: 'values.schema.json', data: chart.schema }]),
  ];
  for (const file of files) {
    const path = inside(file.name);
    if (path === undefined) {
      throw helmError(
        'HELM_RELEASE_INVALID',
        `the chart of ${namespace}/${name} has a file ${JSON.stringify(file.name)}`,
      );
    }
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), Buffer.from(file.data, 'base64'));
  }
}
