import type { Forge } from './types.ts';

/** `owner/name` (of GitLab with groups) of a git URL at a forge; undefined for a URL elsewhere. */
export function repositoryAt(forge: Forge, gitUrl: string): string | undefined {
  const place = placeOf(gitUrl);
  if (place === undefined) return undefined;
  const { hostname, pathname } = new URL(forge.url);
  const below = pathname.replace(/^\/+|\/+$/g, '');
  if (place.host !== hostname.toLowerCase()) return undefined;
  // A forge below a path has it in its https URLs, and not in those of ssh.
  const path = below !== '' && place.path.startsWith(`${below}/`) ? place.path.slice(below.length + 1) : place.path;
  return /^[^/]+(?:\/[^/]+)+$/.test(path) ? path : undefined;
}

/** The web's and ssh's spelling of one repository as one word; undefined for what is no git URL. */
export function repositoryKey(gitUrl: string): string | undefined {
  const place = placeOf(gitUrl);
  return place === undefined ? undefined : `${place.host}/${place.path.toLowerCase()}`;
}

function placeOf(text: string): { readonly host: string; readonly path: string } | undefined {
  const bare = (path: string): string => path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const scp = text.includes('://') ? null : /^(?:[^@/:]+@)?([^@/:]+):(?!\/\/)(.+)$/.exec(text);
  if (scp !== null) return { host: (scp[1] ?? '').toLowerCase(), path: bare(scp[2] ?? '') };
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname === '' ? undefined : { host: url.hostname.toLowerCase(), path: bare(url.pathname) };
}
