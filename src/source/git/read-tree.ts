import { sourceError } from '../errors.ts';
import { overLimit } from '../refuse.ts';
import type { TreeEntry } from '../tree-entry.ts';
import type { SourceLimits } from '../types.ts';
import { COMMIT } from './git-names.ts';
import { type GitCall, runGit } from './run-git.ts';

/** A submodule's place in a tree. */
export interface GitLink {
  readonly path: string;
  readonly commit: string;
}

export interface GitTree {
  /** `read` works while the repository is there. */
  readonly entries: readonly TreeEntry[];
  readonly links: readonly GitLink[];
}

/** Bytes of contents asked for in one call of git. */
const BATCH_BYTES = 32 * 1024 * 1024;

type Call = Omit<GitCall, 'arguments'>;

/**
 * The files below a folder of a commit, as they were committed: no filter, no line ending, no attribute changes them,
 * because nothing is checked out.
 * @throws SOURCE_REF_UNKNOWN where there is no such folder, SOURCE_LIMIT
 */
export async function readGitTree(
  repository: string,
  commit: string,
  path: string,
  limits: SourceLimits,
  signal?: AbortSignal,
): Promise<GitTree> {
  const call: Call = { repository, time: limits.time, ...(signal === undefined ? {} : { signal }) };
  // `^{tree}` behind a path would be part of the path.
  const named = path === '' ? commit : await idOf(call, `${commit}:${path}`);
  const tree = named === undefined ? undefined : await idOf(call, `${named}^{tree}`);
  if (tree === undefined) {
    throw sourceError('SOURCE_REF_UNKNOWN', `commit ${commit} has no folder ${JSON.stringify(path)}`, {
      hint: 'Correct `path` of the source.',
    });
  }
  const listed = await runGit({ ...call, arguments: ['ls-tree', '-r', '-z', '-l', '--full-tree', tree] });
  if (listed.code !== 0) throw damaged(commit, listed.stderr);
  const entries: TreeEntry[] = [];
  const links: GitLink[] = [];
  const contents = batchReader(call);
  for (const line of listed.stdout.toString('latin1').split('\0')) {
    const match = /^([0-7]{6}) (blob|commit) ([0-9a-f]{40,64}) +([0-9]+|-)\t(.+)$/s.exec(line);
    if (match === null) {
      if (line === '') continue;
      throw damaged(commit, `a tree of an unknown form: ${JSON.stringify(line.slice(0, 200))}`);
    }
    const [, mode = '', kind, id = '', size = '0', raw = ''] = match;
    const name = Buffer.from(raw, 'latin1');
    if (kind === 'commit') links.push({ path: name.toString('utf8'), commit: id });
    else {
      const type = mode === '120000' ? 'symlink' : 'file';
      const bytes = Number(size);
      contents.add(id, bytes);
      entries.push({ path: name, type, executable: mode === '100755', size: bytes, read: () => contents.read(id) });
    }
    if (entries.length > limits.files) throw overLimit(`more than ${limits.files} files`);
  }
  return { entries, links };
}

const damaged = (commit: string, why: string): Error =>
  sourceError('SOURCE_UNREACHABLE', `commit ${commit} cannot be read: ${why}`, {
    hint: 'The repository or its copy in the cache is damaged; heraklit fetches it again.',
  });

/** Id of an object, undefined where there is none. */
async function idOf(call: Call, name: string): Promise<string | undefined> {
  const arguments_ = ['rev-parse', '--verify', '--quiet', '--end-of-options', name];
  const { code, stdout } = await runGit({ ...call, arguments: arguments_ });
  const id = stdout.toString('latin1').trim();
  return code === 0 && COMMIT.test(id) ? id : undefined;
}

/** Seconds since 1970 at which the commit was made. @throws SOURCE_UNREACHABLE */
export async function commitTime(repository: string, commit: string, limits: SourceLimits): Promise<number> {
  const call: Call = { repository, time: limits.time };
  const { code, stdout, stderr } = await runGit({ ...call, arguments: ['cat-file', 'commit', commit] });
  const time = /^committer .*? (\d{1,15}) [+-]\d{4}$/m.exec(stdout.toString('latin1'))?.[1];
  if (code !== 0 || time === undefined) throw damaged(commit, stderr);
  return Number(time);
}

/** `.gitmodules` as git itself reads it: path → URL. */
export async function readModules(
  repository: string,
  commit: string,
  limits: SourceLimits,
): Promise<ReadonlyMap<string, string>> {
  const call: Call = { repository, time: limits.time };
  const result = await runGit({
    ...call,
    arguments: ['config', '--blob', `${commit}:.gitmodules`, '--no-includes', '-z', '--get-regexp', '^submodule\\.'],
  });
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const record of result.code === 0 ? result.stdout.toString('utf8').split('\0') : []) {
    const at = record.indexOf('\n');
    const match = /^submodule\.(.*)\.(path|url)$/s.exec(record.slice(0, at));
    if (match === null) continue;
    const [, name = '', key = ''] = match;
    modules.set(name, { ...modules.get(name), [key]: record.slice(at + 1) });
  }
  const urls = new Map<string, string>();
  for (const { path, url } of modules.values()) if (path !== undefined && url !== undefined) urls.set(path, url);
  return urls;
}

/** Reads contents in the order they were added, many with one call of git. */
function batchReader(call: Call): { add(id: string, bytes: number): void; read(id: string): Promise<Buffer> } {
  const order: { readonly id: string; readonly bytes: number }[] = [];
  let next = 0;
  let ready = new Map<string, Buffer>();
  const fill = async (id: string): Promise<void> => {
    // Readers may skip and may come back: start at the one asked for.
    const from = order.findIndex((one, index) => index >= next && one.id === id);
    const start = from < 0 ? order.findIndex((one) => one.id === id) : from;
    const ids: string[] = [];
    let bytes = 0;
    let end = start;
    for (; end < order.length && (ids.length === 0 || bytes < BATCH_BYTES); end += 1) {
      const one = order[end] as (typeof order)[number];
      ids.push(one.id);
      bytes += one.bytes;
    }
    next = end;
    const outputBytes = bytes + ids.length * 256 + 1024;
    const result = await runGit({
      ...call,
      arguments: ['cat-file', '--batch'],
      input: `${ids.join('\n')}\n`,
      outputBytes,
    });
    ready = parseBatch(result.stdout);
  };
  return {
    add: (id, bytes) => void order.push({ id, bytes }),
    async read(id) {
      if (!ready.has(id)) await fill(id);
      const content = ready.get(id);
      if (content === undefined) throw damaged(id, 'an object is missing');
      return content;
    },
  };
}

/** `ID blob SIZE\n CONTENT \n` … (git-cat-file(1), BATCH OUTPUT) */
function parseBatch(output: Buffer): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0x0a, at);
    if (end < 0) break;
    const [id = '', kind, size = ''] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (kind !== 'blob') continue;
    const length = Number(size);
    if (at + length > output.length) break;
    contents.set(id, output.subarray(at, at + length));
    at += length + 1;
  }
  return contents;
}
