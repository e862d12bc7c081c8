import { createHash } from 'node:crypto';
import type { Pocket } from './pockets.ts';
import { mirrorUrl } from './transfer.ts';

/** A repository in one folder, without components (`deb URL ./`). */
export const isFlat = ({ suite }: Pick<Pocket, 'suite'>): boolean => suite.endsWith('/');

/** Folder of the Release file below a base URL, with its `/`; '' for the base itself. */
export function releaseFolder({ suite }: Pick<Pocket, 'suite'>): string {
  return isFlat({ suite }) ? suite.replace(/^(?:\.?\/)+/, '') : `dists/${suite}/`;
}

/** Where the signed Release file lies; others than distributions' own may have it in two parts. */
export function releaseUrls(base: string, pocket: Pocket): readonly string[] {
  const names = pocket.extra === undefined ? ['InRelease'] : ['InRelease', 'Release'];
  return names.map((name) => mirrorUrl(base, `${releaseFolder(pocket)}${name}`));
}

/** Name of a repository's state in the cache. */
export function releaseId({ distribution, suite, extra }: Pocket): string {
  const [id = ''] = distribution.split('/');
  if (extra === undefined) return `${id}/${suite}`;
  const place = createHash('sha256')
    .update(`${extra.urls.join(' ')} ${suite}`)
    .digest('hex')
    .slice(0, 16);
  return `${id}/+${extra.name}-${place}`;
}

/** `RepositorySnapshot.id`; that of an extra repository has a `+` before its name. */
export function snapshotId({ distribution, suite, extra }: Pocket, component: string, architecture: string): string {
  const [id = ''] = distribution.split('/');
  return [id, extra === undefined ? suite : `+${extra.name}`, component, architecture].join('/');
}

/** The name of an extra repository by the id of its snapshot; undefined for a distribution's own. */
export function extraRepositoryName(snapshot: string): string | undefined {
  return /^[^/]+\/(?:[^/]+\/)?\+([^/]+)\//.exec(snapshot)?.[1];
}
