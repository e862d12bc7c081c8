import { readFileSync } from 'node:fs';
import { packageFile } from '../base/index.ts';

/** How long a release gets updates; dates are days (ISO 8601), the last of the support each. */
export interface Lifecycle {
  readonly released?: string;
  /** Of the distribution's own regular support. */
  readonly end: string;
  /** Of long-term support from the same repositories (Debian LTS). */
  readonly lts?: string;
  /** Of extended support that comes from other repositories, mostly for subscribers (ELTS, ESM). */
  readonly elts?: string;
}

interface LifecycleData {
  /** Where the dates stand. */
  readonly source: string;
  readonly releases: Readonly<Record<string, Lifecycle>>;
}

type Data = Readonly<Record<string, LifecycleData>>;

let data: Data | undefined;

/**
 * data/lifecycle.json is a file of its own, because it names releases whose repositories nobody serves any more. Read
 * when first asked for. Two folders up both from src/distro and from dist/distro.
 */
function lifecycles(): Data {
  data ??= JSON.parse(readFileSync(packageFile('data/lifecycle.json'), 'utf8')) as Data;
  return data;
}

/** Of `debian/bookworm`; undefined where no end is known (rolling releases, what is too new). */
export function lifecycleOf(distribution: string): Lifecycle | undefined {
  const [id = '', release = ''] = distribution.split('/');
  const all = lifecycles();
  const releases = Object.hasOwn(all, id) ? all[id]?.releases : undefined;
  return releases !== undefined && Object.hasOwn(releases, release) ? releases[release] : undefined;
}

/** The last day on which the release's public repositories are promised updates; undefined where none is known. */
export function lastDayOfSupport(distribution: string): string | undefined {
  const lifecycle = lifecycleOf(distribution);
  return lifecycle === undefined ? undefined : (lifecycle.lts ?? lifecycle.end);
}
