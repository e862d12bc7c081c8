import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { extractTar } from '../archive/index.ts';
import { asCodedError, type Home, isHeraklitError, type Log, redact, silentLog } from '../base/index.ts';
import { type Digest, digestHex, digestOf, serialize } from '../oci/index.ts';
import { withLock } from '../storage/index.ts';
import { sourceError } from './errors.ts';
import { gitAccess } from './git/credentials.ts';
import { COMMIT, checkSubPath } from './git/git-names.ts';
import { parseGitUrl } from './git/git-url.ts';
import { type GitCache, readGit } from './git/read-git.ts';
import { type Remote, resolveRef } from './git/remote.ts';
import { isUrl, readArchive } from './read-archive.ts';
import { readFolder } from './read-folder.ts';
import { idOf, openSourceStore, type SourceStore } from './store.ts';
import {
  type ArchiveSource,
  DEFAULT_SOURCE_LIMITS,
  type GitSource,
  type Revision,
  type Source,
  type SourceLimits,
} from './types.ts';

export interface SourcesOptions {
  readonly home: Home;
  readonly log?: Log;
  readonly limits?: Partial<SourceLimits>;
  readonly signal?: AbortSignal;
  /** Uses what is stored, never the network. */
  readonly offline?: boolean;
}

/** Sources of a home: fetched, kept for good, unpacked where they are used. */
export interface Sources {
  /**
   * What the source is now, fetched and stored. A commit or hash that is stored already is not asked for again.
   * @throws SOURCE_…
   */
  fetch(source: Source): Promise<Revision>;
  /** What `fetch` gave last, without a look at the source. */
  latest(source: Source): Promise<Revision | undefined>;
  /** A folder with its files, checked against the tree's digest. To be read only. @throws SOURCE_DAMAGED */
  folder(revision: Pick<Revision, 'tree'>): Promise<string>;
  list(): Promise<readonly Revision[]>;
  /** By commit or tree, or the beginning (7 characters at least) of one. @throws SOURCE_UNKNOWN */
  find(name: string): Promise<Revision>;
  readonly store: SourceStore;
}

/** Milliseconds to wait for another process that fetches the same repository. */
const LOCK = { wait: 15 * 60_000, poll: 100 };

export function openSources(options: SourcesOptions): Sources {
  const { home, log = silentLog, signal } = options;
  const limits = { ...DEFAULT_SOURCE_LIMITS, ...options.limits };
  const store = openSourceStore(join(home.root, 'sources'));
  const cache: GitCache = {
    directory: join(home.cache, 'git'),
    exclusively: async (name, work) => {
      await mkdir(join(home.cache, 'git'), { recursive: true });
      return withLock(name, work, LOCK);
    },
  };
  const given = signal === undefined ? {} : { signal };

  const remember = async (revision: Revision, ref: string, notes: readonly string[]): Promise<Revision> => {
    for (const note of notes) log.warn(`${revision.location}: ${note}`);
    const kept = await store.addRevision(revision);
    const named: Revision = { ...kept, ...refOf(revision.ref) };
    await store.setLatest(named, ref);
    return named;
  };

  const fetchGit = async (git: GitSource): Promise<Revision> => {
    const url = parseGitUrl(git.url, git.insecure);
    const path = checkSubPath(git.path);
    const name = sourceName({ kind: 'git', git });
    const asked = git.ref ?? 'HEAD';
    const fixed = COMMIT.test(asked) ? await store.revision(name, asked) : undefined;
    if (fixed !== undefined && (await store.has(fixed.tree))) return fixed;
    const access = await gitAccess(url, git.credentials, git.caFile);
    const remote: Remote = { url, access, limits, ...given };
    const named = await resolveRef(remote, git.ref);
    const known = await store.revision(name, named.commit);
    if (known !== undefined && (await store.has(known.tree)))
      return remember({ ...known, ...refOf(named.ref) }, asked, []);
    const files = await readGit(git, path, remote, named, cache);
    const facts = await store.addTree(files.entries, limits);
    const notes = [...files.notes, ...pointerNotes(facts.pointers)];
    const { digest: tree, files: count, bytes } = facts;
    const revision: Revision = {
      ...{ source: name, kind: 'git', location: url.url, path, ...refOf(named.ref), commit: named.commit },
      ...{ committed: files.committed, tree, files: count, bytes, fetched: new Date().toISOString() },
      ...(files.submodules.length === 0 ? {} : { submodules: files.submodules }),
      ...(notes.length === 0 ? {} : { notes }),
    };
    return remember(revision, asked, notes);
  };

  /** The hash says what it is: the same archive is never fetched twice. */
  const knownArchive = async (archive: ArchiveSource, name: string): Promise<Revision | undefined> => {
    const { sha256, location } = archive;
    if (sha256 === undefined && isUrl(location)) {
      throw sourceError('SOURCE_REFUSED', `the archive ${redact(location)} has no sha256`, {
        hint: 'Write the sha256 of the archive beside its URL: what a server gives may change.',
      });
    }
    const known = sha256 === undefined ? undefined : await store.latest(name, sha256.toLowerCase());
    return known !== undefined && (await store.has(known.tree)) ? known : undefined;
  };

  const fetchFiles = async (source: Exclude<Source, { kind: 'git' }>): Promise<Revision> => {
    const name = sourceName(source);
    const location = source.kind === 'folder' ? source.folder.folder : redact(source.archive.location);
    const path = source.kind === 'folder' ? '' : checkSubPath(source.archive.path);
    const known = source.kind === 'archive' ? await knownArchive(source.archive, name) : undefined;
    if (known !== undefined) return known;
    await mkdir(home.scratch, { recursive: true });
    const scratch = await mkdtemp(join(home.scratch, 'source-'));
    try {
      const entries =
        source.kind === 'folder'
          ? await readFolder(source.folder.folder, limits)
          : await readArchive(source.archive, path, scratch, limits, signal);
      const { digest: tree, files, bytes, pointers } = await store.addTree(entries, limits);
      const notes = pointerNotes(pointers);
      const revision: Revision = {
        ...{ source: name, kind: source.kind, location, path, tree, files, bytes, fetched: new Date().toISOString() },
        ...(notes.length === 0 ? {} : { notes }),
      };
      const ref = source.kind === 'archive' ? (source.archive.sha256?.toLowerCase() ?? '') : '';
      return await remember(revision, ref, notes);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };

  const latest = (source: Source): Promise<Revision | undefined> => store.latest(sourceName(source), refName(source));

  return {
    store,
    latest,
    async fetch(source) {
      if (options.offline === true) {
        const known = await latest(source);
        if (known !== undefined) return known;
        throw sourceError('SOURCE_UNREACHABLE', `${locationOf(source)} was never fetched, and this is offline`, {
          hint: 'Fetch it once: heraklit source fetch.',
        });
      }
      return source.kind === 'git' ? fetchGit(source.git) : fetchFiles(source);
    },
    folder: ({ tree }) => unpacked(store, tree, join(home.cache, 'sources')),
    list: () => store.revisions(),
    async find(text) {
      const found = (await store.revisions()).filter((one) => fits(one, text));
      const different = new Set(found.map((one) => one.tree));
      const [first] = found;
      if (first !== undefined && different.size === 1) return first;
      const what =
        first === undefined ? `no stored source is ${text}` : `${found.length} stored sources begin with ${text}`;
      throw sourceError('SOURCE_UNKNOWN', what, { hint: 'heraklit source list shows commits and trees.' });
    },
  };
}

const refOf = (ref: string | undefined): { readonly ref?: string } => (ref === undefined ? {} : { ref });

const refName = (source: Source): string => {
  if (source.kind === 'git') return source.git.ref ?? 'HEAD';
  return source.kind === 'archive' ? (source.archive.sha256?.toLowerCase() ?? '') : '';
};

/** For people, without credentials. */
const locationOf = (source: Source): string => {
  if (source.kind === 'git') return redact(source.git.url);
  return source.kind === 'archive' ? redact(source.archive.location) : source.folder.folder;
};

/** What a source is, whatever its ref and credentials: the same commit is then the same files. */
function sourceName(source: Source): string {
  const what =
    source.kind === 'git'
      ? {
          git: parseGitUrl(source.git.url, source.git.insecure).url,
          path: checkSubPath(source.git.path),
          submodules: source.git.submodules !== undefined && source.git.submodules !== false,
        }
      : source.kind === 'archive'
        ? { archive: source.archive.location, path: checkSubPath(source.archive.path) }
        : { folder: resolvePath(source.folder.folder) };
  return digestHex(digestOf(serialize(what))).slice(0, 32);
}

const MAX_POINTERS_NAMED = 5;

function pointerNotes(pointers: readonly string[]): readonly string[] {
  if (pointers.length === 0) return [];
  const more = pointers.length > MAX_POINTERS_NAMED ? `, and ${pointers.length - MAX_POINTERS_NAMED} more` : '';
  const named = pointers.slice(0, MAX_POINTERS_NAMED).join(', ');
  return [`holds Git LFS pointers in place of the files, which are not fetched: ${named}${more}`];
}

const MIN_PREFIX = 7;

function fits(revision: Revision, text: string): boolean {
  const name = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (name.length < MIN_PREFIX) return false;
  return digestHex(revision.tree).startsWith(name) || (!text.startsWith('sha256:') && idOf(revision).startsWith(name));
}

/** Unpacked once; a cache that may be deleted at any time. The digest is compared before anybody sees the files. */
async function unpacked(store: SourceStore, tree: Digest, cache: string): Promise<string> {
  const folder = join(cache, digestHex(tree));
  if ((await stat(folder).catch(() => undefined)) !== undefined) return folder;
  await store.checkTree(tree);
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(join(cache, '.unpacking-'));
  try {
    await extractTar(await store.openTree(tree), aside, { owner: false });
    await rename(aside, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return folder;
  } catch (error) {
    throw isHeraklitError(error) ? error : asCodedError(error);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
