import { join } from 'node:path';
import { digestHex, digestOf } from '../../oci/index.ts';
import { sourceError } from '../errors.ts';
import type { TreeEntry } from '../tree-entry.ts';
import type { GitSource, Submodule } from '../types.ts';
import { gitAccess } from './credentials.ts';
import { fetchCommit } from './fetch-commit.ts';
import { type GitUrl, submoduleUrl } from './git-url.ts';
import { commitTime, type GitLink, readGitTree, readModules } from './read-tree.ts';
import type { Remote, RemoteRef } from './remote.ts';

export interface GitFiles {
  readonly entries: readonly TreeEntry[];
  readonly committed: number;
  readonly submodules: readonly Submodule[];
  /** Submodules that were left out, with the reason. */
  readonly notes: readonly string[];
}

/** Where repositories are kept between fetches; may be deleted at any time. */
export interface GitCache {
  readonly directory: string;
  /** One process at a time for a repository. */
  readonly exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** The repository of a URL in the cache. */
export const repositoryOf = (cache: GitCache, url: GitUrl): string =>
  join(cache.directory, `${digestHex(digestOf(url.url)).slice(0, 32)}.git`);

/** Fetches a commit and, where asked, its submodules, and lists their files. @throws SOURCE_… */
export async function readGit(
  git: GitSource,
  path: string,
  remote: Remote,
  named: RemoteRef,
  cache: GitCache,
): Promise<GitFiles> {
  const { limits, signal } = remote;
  const repository = repositoryOf(cache, remote.url);
  await cache.exclusively(`${repository}.lock`, () => fetchCommit(repository, remote, named));
  const { entries, links } = await readGitTree(repository, named.commit, path, limits, signal);
  const committed = await commitTime(repository, named.commit, limits);
  const found: Found = { entries: [...entries], submodules: [], notes: [] };
  if (git.submodules === undefined || git.submodules === false) {
    for (const link of links) found.notes.push(`submodule ${link.path} is left out: the source does not ask for it`);
  } else {
    const modules = await readModules(repository, named.commit, limits);
    const place: Place = { git, cache, remote, prefix: '', depth: 1, inRepository: path };
    await addSubmodules(found, links, modules, place);
  }
  return { ...found, committed };
}

interface Found {
  readonly entries: TreeEntry[];
  readonly submodules: Submodule[];
  readonly notes: string[];
}

interface Place {
  readonly git: GitSource;
  readonly cache: GitCache;
  /** Of the repository that has the submodules. */
  readonly remote: Remote;
  /** Of that repository in the source, with a slash at its end. */
  readonly prefix: string;
  readonly depth: number;
  /** Folder of that repository that is looked at. */
  readonly inRepository: string;
}

async function addSubmodules(
  found: Found,
  links: readonly GitLink[],
  modules: ReadonlyMap<string, string>,
  place: Place,
): Promise<void> {
  const { git, remote, cache } = place;
  const { limits, signal } = remote;
  for (const link of links) {
    const at = place.prefix + link.path;
    const text = modules.get(place.inRepository === '' ? link.path : `${place.inRepository}/${link.path}`);
    if (text === undefined) {
      found.notes.push(`submodule ${at} is left out: .gitmodules does not name it`);
      continue;
    }
    if (found.submodules.length >= limits.submodules || place.depth > limits.submoduleDepth) {
      throw sourceError('SOURCE_LIMIT', `${remote.url.url} has too many submodules, or too deep ones, at ${at}`, {
        hint: `At most ${limits.submodules}, ${limits.submoduleDepth} deep.`,
      });
    }
    const url = submoduleUrl(remote.url, text, git.insecure);
    const child = await remoteOf(url, place, at);
    const repository = repositoryOf(cache, url);
    await cache.exclusively(`${repository}.lock`, () =>
      fetchCommit(repository, child, { ref: undefined, commit: link.commit }),
    );
    found.submodules.push({ path: at, url: url.url, commit: link.commit });
    const tree = await readGitTree(repository, link.commit, '', limits, signal);
    for (const entry of tree.entries) {
      found.entries.push({ ...entry, path: Buffer.concat([Buffer.from(`${at}/`), entry.path]) });
    }
    const below = await readModules(repository, link.commit, limits);
    const next: Place = { ...place, remote: child, prefix: `${at}/`, depth: place.depth + 1, inRepository: '' };
    await addSubmodules(found, tree.links, below, next);
  }
}

/**
 * A repository decides what its submodules' URLs are, so they reach no other server than the operator named, and the
 * credentials go to the source's own server alone.
 */
async function remoteOf(url: GitUrl, { git, remote }: Place, at: string): Promise<Remote> {
  const sameServer = url.kind === remote.url.kind && url.authority === remote.url.authority;
  const named = Array.isArray(git.submodules) && git.submodules.includes(url.host);
  if (!sameServer && url.host !== remote.url.host && !named) {
    throw sourceError('SOURCE_REFUSED', `submodule ${at} is on another server, ${url.host}`, {
      hint: 'Name its host in `submodules` of the source where that is right.',
    });
  }
  if (sameServer) return { ...remote, url };
  const caFile = url.host === remote.url.host ? git.caFile : undefined;
  return { ...remote, url, access: await gitAccess(url, undefined, caFile) };
}
