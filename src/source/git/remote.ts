import { sourceError } from '../errors.ts';
import type { SourceLimits } from '../types.ts';
import type { GitAccess } from './credentials.ts';
import { COMMIT, checkRef } from './git-names.ts';
import type { GitUrl } from './git-url.ts';
import { type GitResult, runGit } from './run-git.ts';

/** A server's repository, and how it is asked. */
export interface Remote {
  readonly url: GitUrl;
  readonly access: GitAccess;
  readonly limits: SourceLimits;
  readonly signal?: AbortSignal;
}

/** What a ref names now. */
export interface RemoteRef {
  /** Full name; undefined where a commit id was asked for. */
  readonly ref: string | undefined;
  readonly commit: string;
}

/**
 * The commit that a branch, tag, full ref or commit id names now. A tag object is followed to its commit.
 * @throws SOURCE_REFUSED, SOURCE_REF_UNKNOWN (also where a branch and a tag have the name), SOURCE_UNREACHABLE, SOURCE_DENIED
 */
export async function resolveRef(remote: Remote, asked: string | undefined): Promise<RemoteRef> {
  if (asked !== undefined && COMMIT.test(asked)) return { ref: undefined, commit: asked };
  const names = refNames(asked === undefined ? undefined : checkRef(asked));
  const { url, access, limits, signal } = remote;
  // Both `X` and `X^{}` are asked for: the second is what an annotated tag stands for.
  const patterns = names.flatMap((name) => [name, `${name}^{}`]);
  const result = await runGit({
    arguments: ['ls-remote', '--end-of-options', url.url, ...patterns],
    access,
    time: limits.time,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.code !== 0) throw remoteFailed(url, result);
  const found = new Map<string, string>();
  for (const line of result.stdout.toString('latin1').split('\n')) {
    const [id = '', name = ''] = line.split('\t');
    // Patterns of ls-remote also fit the ends of longer names.
    if (COMMIT.test(id) && patterns.includes(name)) found.set(name, id);
  }
  const there = names.filter((name) => found.has(name));
  const [ref] = there;
  if (ref === undefined) throw unknownRef(url, asked ?? 'HEAD');
  if (there.length > 1) {
    throw sourceError('SOURCE_REF_UNKNOWN', `${url.url} has a branch and a tag ${asked}`, {
      hint: `Write ${there.join(' or ')}.`,
    });
  }
  return { ref, commit: (found.get(`${ref}^{}`) ?? found.get(ref)) as string };
}

const refNames = (asked: string | undefined): readonly string[] => {
  if (asked === undefined || asked === 'HEAD') return ['HEAD'];
  return asked.startsWith('refs/') ? [asked] : [`refs/heads/${asked}`, `refs/tags/${asked}`];
};

export const unknownRef = (url: GitUrl, name: string): Error =>
  sourceError('SOURCE_REF_UNKNOWN', `${url.url} has no ${name}`, {
    hint: 'It may have been deleted or renamed. States that were fetched before are kept: heraklit source list.',
  });

const DENIED =
  /authentication failed|could not read (?:username|password)|permission denied|access denied|the requested url returned error: (?:30[1-8]|40[134])|repository not found|repository .* not found|does not appear to be a git repository|not exported|terminal prompts disabled|redirect/i;

/** Of ssh (strict about known_hosts), and of TLS. */
const UNTRUSTED =
  /host key verification failed|remote host identification has changed|no \S+ host key is known for|(?:ssl certificate problem|server certificate verification failed|certificate verify failed)[^\n]*/i;

/** What git's words of a failed call mean. */
export function remoteFailed(url: GitUrl, { code, stderr }: GitResult): Error {
  const said = stderr.split('\n').slice(-4).join('; ').slice(0, 500);
  const message = `${url.url}: ${said === '' ? `git ended with ${code}` : said}`;
  const untrusted = UNTRUSTED.exec(stderr);
  if (untrusted !== null) {
    const changed = /IDENTIFICATION HAS CHANGED/.test(stderr);
    const what = changed ? 'the host key has changed' : said === '' ? untrusted[0] : said;
    return sourceError('SOURCE_HOST_UNTRUSTED', `${url.url}: ${what}`, {
      hint: changed
        ? 'Ask whoever runs the server whether the key was replaced; only then change known_hosts.'
        : 'Put the key of the server into known_hosts (credentials.knownHostsFile), or its authority into caFile.',
    });
  }
  if (DENIED.test(stderr)) {
    return sourceError('SOURCE_DENIED', message, {
      hint: 'Check the URL, and the credentials that the source names; for ssh also its known_hosts.',
    });
  }
  if (/fsck|bad tree|malformed|invalid object|hasDot|gitmodules/i.test(stderr)) {
    return sourceError('SOURCE_UNSAFE', message, {
      hint: 'git refuses these objects: the repository is broken or hostile.',
    });
  }
  return sourceError('SOURCE_UNREACHABLE', message, {
    hint: 'Check that the server runs and can be reached from here.',
  });
}
