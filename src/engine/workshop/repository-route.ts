import type { Mirrors } from '../../feed/index.ts';

/** Debian's own hosts and the archives on them; others may hold something else under the same paths. */
const HOST = /(?:^|\.)debian\.org$/;
const ARCHIVES = [
  { prefix: '/debian/', kind: 'main' },
  { prefix: '/debian-security/', kind: 'security' },
] as const;

/** Where to ask for a URL of a Dockerfile's repositories, best first: the mirrors of this home, then the place itself. */
export function debianRoute(mirrors: Mirrors): (url: URL) => readonly URL[] {
  return (url) => {
    const archive = ARCHIVES.find(({ prefix }) => url.pathname.startsWith(prefix));
    if (archive === undefined || !HOST.test(url.hostname)) return [url];
    const rest = `${url.pathname.slice(archive.prefix.length)}${url.search}`;
    const own = mirrors[archive.kind].filter((base) => /^https?:/.test(base)).map((base) => new URL(`${base}/${rest}`));
    return [...own.filter(({ href }) => href !== url.href), url];
  };
}
