import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type GitAccess, type GitUrl, remoteFailed, runGit } from '../source/index.ts';
import { gitopsError } from './errors.ts';

/** A branch of a git repository that is written to, without a work tree. */
export interface Branch {
  /** Bare repository in the cache; may be deleted at any time. */
  readonly repository: string;
  readonly url: GitUrl;
  readonly access: GitAccess;
  /** `main` */
  readonly branch: string;
  readonly author: { readonly name: string; readonly email: string };
  /** Private ssh key that commits are signed with. */
  readonly signingKey?: string;
}

export interface TreeFile {
  readonly path: string;
  readonly mode: string;
  readonly blob: string;
}

const TIME = 5 * 60_000;
const TIP = 'refs/heraklit/tip';
/** Bytes of a YAML file that is looked into. */
const MAX_FILE = 4 * 1024 * 1024;

async function ask(
  branch: Branch,
  words: readonly string[],
  more: { input?: string; index?: string; access?: boolean; signal?: AbortSignal } = {},
) {
  const { author } = branch;
  const who = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  return runGit({
    repository: branch.repository,
    arguments: words,
    time: TIME,
    environment: { ...who, ...(more.index === undefined ? {} : { GIT_INDEX_FILE: more.index }) },
    ...(more.input === undefined ? {} : { input: more.input }),
    ...(more.access === true ? { access: branch.access } : {}),
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  });
}

async function tell(
  branch: Branch,
  words: readonly string[],
  more: { input?: string; index?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await ask(branch, words, more);
  if (code === 0) return stdout.toString('utf8');
  throw new Error(`git ${words[0]}: ${stderr}`);
}

/** Brings the branch here with its history. @returns its commit @throws SOURCE_UNREACHABLE, SOURCE_DENIED */
export async function fetchBranch(branch: Branch, signal?: AbortSignal): Promise<string> {
  if ((await stat(join(branch.repository, 'HEAD')).catch(() => undefined)) === undefined) {
    await mkdir(dirname(branch.repository), { recursive: true });
    const { code, stderr } = await runGit({
      arguments: ['init', '--quiet', '--bare', '--template=', branch.repository],
      time: TIME,
    });
    if (code !== 0) throw new Error(`git init: ${stderr}`);
  }
  const words = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
  ];
  const fetched = await ask(
    branch,
    [...words, '--end-of-options', branch.url.url, `+refs/heads/${branch.branch}:${TIP}`],
    {
      access: true,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  if (fetched.code !== 0) throw remoteFailed(branch.url, fetched);
  return (await tell(branch, ['rev-parse', '--verify', TIP])).trim();
}

/** YAML and JSON files of a commit below a folder. */
export async function yamlFiles(branch: Branch, commit: string, folder: string): Promise<readonly TreeFile[]> {
  const listed = await tell(branch, ['ls-tree', '-r', '-z', '-l', '--full-tree', commit]);
  return listed.split('\0').flatMap((line): TreeFile[] => {
    const match = /^(100644|100755) blob ([0-9a-f]{40,64}) +(\d+)\t(.+)$/s.exec(line);
    const [, mode = '', blob = '', size = '', path = ''] = match ?? [];
    if (match === null || Number(size) > MAX_FILE || !/\.(?:ya?ml|json)$/.test(path)) return [];
    return folder === '' || path.startsWith(`${folder}/`) ? [{ path, mode, blob }] : [];
  });
}

/** A file of a commit; undefined where it has none. */
export async function readFileAt(branch: Branch, commit: string, path: string): Promise<string | undefined> {
  const { code, stdout } = await ask(branch, ['cat-file', 'blob', `${commit}:${path}`]);
  return code === 0 ? stdout.toString('utf8') : undefined;
}

/** Contents by blob id, with one call of git. */
export async function readBlobs(branch: Branch, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  if (ids.length === 0) return contents;
  const { stdout } = await ask(branch, ['cat-file', '--batch'], { input: `${[...new Set(ids)].join('\n')}\n` });
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf(0x0a, at);
    if (end < 0) break;
    const [id = '', kind, size = '0'] = stdout.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (kind !== 'blob') continue;
    contents.set(id, stdout.toString('utf8', at, at + Number(size)));
    at += Number(size) + 1;
  }
  return contents;
}

export interface PastCommit {
  readonly commit: string;
  readonly message: string;
}

/** Commits that changed a file, newest first. */
export async function historyOf(
  branch: Branch,
  commit: string,
  path: string,
  limit: number,
  which: 'main line' | 'all',
): Promise<readonly PastCommit[]> {
  const words = ['log', '--format=%H%x00%B%x01', `--max-count=${limit}`, '--full-history'];
  if (which === 'main line') words.push('--first-parent');
  words.push(commit, '--', path);
  const text = await tell(branch, words);
  return text.split('\x01').flatMap((record): PastCommit[] => {
    const [id = '', message = ''] = record.trimStart().split('\0');
    return /^[0-9a-f]{40,64}$/.test(id) ? [{ commit: id, message }] : [];
  });
}

/** A commit over `parent` in which one file has another content. Nothing is pushed. */
export async function commitFile(
  branch: Branch,
  parent: string,
  file: Pick<TreeFile, 'path' | 'mode'>,
  content: string,
  message: string,
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'heraklit-index-'));
  try {
    const index = join(scratch, 'index');
    const blob = (await tell(branch, ['hash-object', '-w', '--no-filters', '--stdin'], { input: content })).trim();
    await tell(branch, ['read-tree', parent], { index });
    await tell(branch, ['update-index', '-z', '--index-info'], {
      index,
      input: `${file.mode} ${blob}\t${file.path}\0`,
    });
    const tree = (await tell(branch, ['write-tree'], { index })).trim();
    return await commitTree(branch, tree, parent, message);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-gpgformat */
async function commitTree(branch: Branch, tree: string, parent: string, message: string): Promise<string> {
  const { signingKey } = branch;
  if (signingKey === undefined) {
    return (await tell(branch, ['commit-tree', tree, '-p', parent], { input: message })).trim();
  }
  const config = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${signingKey}`];
  const made = await ask(branch, [...config, 'commit-tree', '-S', tree, '-p', parent], { input: message });
  if (made.code === 0) return made.stdout.toString('utf8').trim();
  throw gitopsError('GITOPS_SIGNING_FAILED', `${signingKey} does not sign a commit: ${made.stderr.slice(0, 500)}`, {
    hint: 'It must be a private ssh key without passphrase; ssh-keygen (openssh-client) must be installed.',
  });
}

/** What a commit changes, as git shows it. */
export async function diffOf(branch: Branch, parent: string, commit: string): Promise<string> {
  return await tell(branch, ['diff-tree', '--no-color', '--no-ext-diff', '--no-textconv', '-p', parent, commit]);
}

/**
 * Puts a commit on a branch of the server.
 * @param force also back and aside; else only forward
 * @returns false when somebody else was faster
 * @throws GITOPS_PUSH_REFUSED, SOURCE_UNREACHABLE, SOURCE_DENIED
 */
export async function pushCommit(
  branch: Branch,
  commit: string,
  name: string,
  force: boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  const result = await ask(
    branch,
    [
      'push',
      '--quiet',
      '--porcelain',
      '--no-verify',
      ...(force ? ['--force'] : []),
      '--end-of-options',
      branch.url.url,
      `${commit}:refs/heads/${name}`,
    ],
    {
      access: true,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  if (result.code === 0) return true;
  const said = `${result.stdout.toString('utf8')}\n${result.stderr}`;
  if (/non-fast-forward|fetch first|stale info|failed to update ref|cannot lock ref|incorrect old value/i.test(said))
    return false;
  if (/remote rejected|pre-receive hook declined|protected branch|denied to/i.test(said)) {
    throw gitopsError(
      'GITOPS_PUSH_REFUSED',
      `${branch.url.url} does not take a commit on ${name}: ${said.trim().slice(0, 500)}`,
      {
        hint: 'Let the account push to the branch, or write by pull request.',
      },
    );
  }
  throw remoteFailed(branch.url, result);
}
