import type { BuildJob } from './types.ts';

const options = (flag: string, values: readonly string[]): readonly string[] =>
  values.flatMap((value) => [flag, value]);

const pairs = (map: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(map).map(([name, value]) => `${name}=${value}`);

/** What Buildah and BuildKit call alike. */
export const jobOptions = (job: BuildJob): readonly string[] => [
  ...(job.target === undefined ? [] : ['--target', job.target]),
  ...options('--build-arg', pairs(job.buildArgs)),
  ...options('--label', pairs(job.labels)),
  ...options(
    '--secret',
    job.secrets.map(({ id, source }) => `id=${id},src=${source}`),
  ),
  ...options('--ssh', job.ssh),
];
