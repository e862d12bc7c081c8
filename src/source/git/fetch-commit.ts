import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sourceError } from '../errors.ts';
import { type Remote, type RemoteRef, remoteFailed, unknownRef } from './remote.ts';
import { type GitCall, runGit } from './run-git.ts';

/**
 * Brings one commit, with its files and without its history, into a repository in the cache.
 * @param repository made where it is not there; it may be deleted at any time
 * @throws SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_REF_UNKNOWN, SOURCE_UNSAFE (git's fsck), SOURCE_LIMIT
 */
export async function fetchCommit(repository: string, remote: Remote, { ref, commit }: RemoteRef): Promise<void> {
  const { url, access, limits, signal } = remote;
  const common = { repository, time: limits.time, ...(signal === undefined ? {} : { signal }) };
  await prepare(repository, commit, common);
  if (await has(common, commit)) return;
  const before = await bytesOf(repository);
  const fetch = (refspec: string, depth: readonly string[]) =>
    runGit({
      ...common,
      access,
      arguments: [
        ...[
          'fetch',
          '--quiet',
          '--no-tags',
          '--no-recurse-submodules',
          '--no-write-fetch-head',
          '--no-auto-maintenance',
        ],
        ...[...depth, '--end-of-options', url.url, refspec],
      ],
      watch: async () => {
        const bytes = (await bytesOf(repository)) - before;
        if (bytes <= limits.fetchBytes) return undefined;
        return sourceError('SOURCE_LIMIT', `${url.url} sends more than ${limits.fetchBytes} bytes`, {
          hint: 'Split the repository, or take an archive of the part that is built.',
        });
      },
    });
  // The ref that named it a moment ago is what every server gives; a bare commit id is what most give.
  const first = await fetch(`+${ref ?? commit}:refs/heraklit/${commit}`, ['--depth=1']);
  if (first.code === 0 && (await has(common, commit))) return;
  if (first.code !== 0 && ref !== undefined) throw remoteFailed(url, first);
  const second = ref === undefined ? first : await fetch(`+${commit}:refs/heraklit/${commit}`, ['--depth=1']);
  if (second.code === 0 && (await has(common, commit))) return;
  // Some servers give nothing but their refs: then all of them, with their history.
  const all = await fetch('+refs/heads/*:refs/heraklit-all/*', []);
  if (all.code !== 0) throw remoteFailed(url, all);
  if (!(await has(common, commit))) throw unknownRef(url, `commit ${commit}`);
}

async function prepare(repository: string, commit: string, common: Omit<GitCall, 'arguments'>): Promise<void> {
  if ((await stat(join(repository, 'HEAD')).catch(() => undefined)) !== undefined) return;
  await mkdir(dirname(repository), { recursive: true });
  const { repository: _, ...call } = common;
  const format = commit.length === 64 ? ['--object-format=sha256'] : [];
  const made = await runGit({
    ...call,
    arguments: ['init', '--quiet', '--bare', '--template=', ...format, repository],
  });
  if (made.code !== 0) throw new Error(`git init ${repository}: ${made.stderr}`);
}

async function has(common: Omit<GitCall, 'arguments'>, commit: string): Promise<boolean> {
  const { code } = await runGit({ ...common, arguments: ['cat-file', '-e', `${commit}^{tree}`] });
  return code === 0;
}

/** Bytes of the files that git receives into. */
async function bytesOf(repository: string): Promise<number> {
  let sum = 0;
  const folder = join(repository, 'objects', 'pack');
  for (const name of await readdir(folder).catch(() => [])) {
    sum += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}
