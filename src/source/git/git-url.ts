import { posix } from 'node:path';
import { sourceError } from '../errors.ts';

/** A git URL that was looked through: safe as an argument of git, without credentials. */
export interface GitUrl {
  readonly kind: 'http' | 'https' | 'ssh' | 'git';
  readonly url: string;
  /** Lower case, without port. */
  readonly host: string;
  /** `HOST[:PORT]` */
  readonly authority: string;
  /** Without leading and trailing `/` and without `.git`: `team/app`. */
  readonly path: string;
}

const MAX_URL = 2_000;
const UNPRINTABLE = /[^\x21-\x7e]/;
/** `[user@]host:path`, as scp writes it: no `//` behind the colon, and no port. */
const SCP = /^(?:([A-Za-z0-9._][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)(.+)$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])$/;
/** ssh's far side gives the path to a shell; git quotes it, and these are not needed. */
const SHELL_WORDS = /["'`$\\]/;
const USER = /^[A-Za-z0-9._][A-Za-z0-9._-]*$/;
const KINDS: Readonly<Record<string, GitUrl['kind']>> = {
  'https:': 'https',
  'http:': 'http',
  'ssh:': 'ssh',
  'git:': 'git',
};

/**
 * Takes the four transports that only move objects; refuses what else git understands (`ext::`, `file://`, paths, other
 * helpers), credentials in the URL, and everything that git or ssh could read as an option.
 * @throws SOURCE_REFUSED
 */
export function parseGitUrl(text: string, insecure = false): GitUrl {
  if (text.length === 0 || text.length > MAX_URL || UNPRINTABLE.test(text) || text.startsWith('-')) {
    throw refused(text, 'not a URL');
  }
  if (/^[A-Za-z0-9+.-]*::/.test(text)) throw refused(text, 'transport helpers run programs');
  const scp = text.includes('://') ? null : SCP.exec(text);
  if (scp !== null) return scpUrl(text, scp);
  if (!URL.canParse(text)) throw refused(text, 'not a URL');
  const url = new URL(text);
  const kind = KINDS[url.protocol];
  if (kind === undefined) throw refused(text, `${url.protocol} is not a transport that is used`);
  if ((kind === 'http' || kind === 'git') && !insecure) {
    throw refused(text, `${kind} is neither private nor certain`, 'Use https or ssh, or say `insecure: true`.');
  }
  checkParts(text, url, kind);
  return {
    kind,
    url: url.href,
    host: url.hostname.toLowerCase(),
    authority: url.host.toLowerCase(),
    path: barePath(url.pathname),
  };
}

function scpUrl(text: string, [, user, host = '', path = '']: RegExpExecArray): GitUrl {
  if (path.startsWith('-') || SHELL_WORDS.test(path)) throw refused(text, 'such a path is not passed to a shell');
  const authority = host.toLowerCase();
  const url = `${user === undefined ? '' : `${user}@`}${authority}:${path}`;
  return { kind: 'ssh', url, host: authority, authority, path: barePath(path) };
}

function checkParts(text: string, url: URL, kind: GitUrl['kind']): void {
  if (url.password !== '' || (kind !== 'ssh' && url.username !== '')) {
    throw refused(text, 'it holds credentials', 'Name a file with them: credentials.passwordFile.');
  }
  if (url.username !== '' && !USER.test(url.username)) throw refused(text, 'such a user name is not passed to ssh');
  if (!HOST.test(url.hostname)) throw refused(text, 'such a host name is not used');
  if (url.hash !== '' || url.search !== '') throw refused(text, 'neither # nor ? has a meaning');
  const { pathname } = url;
  if (pathname === '/' || pathname === '' || SHELL_WORDS.test(pathname) || pathname.startsWith('/-')) {
    throw refused(text, 'it names no repository');
  }
}

const refused = (text: string, why: string, hint: string = FORMS): Error =>
  sourceError('SOURCE_REFUSED', `git URL ${JSON.stringify(withoutSecret(text))}: ${why}`, { hint });

const FORMS =
  'Write https://HOST/PATH, ssh://[USER@]HOST[:PORT]/PATH or USER@HOST:PATH; a local folder is a `folder:`.';

const barePath = (path: string): string =>
  path
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');

const withoutSecret = (text: string): string => text.slice(0, 300).replace(/\/\/[^/@]*@/, '//***@');

/**
 * URL of a submodule; relative ones (`./`, `../`) are meant from the repository's own URL (gitmodules(5)).
 * @throws SOURCE_REFUSED
 */
export function submoduleUrl(parent: GitUrl, text: string, insecure = false): GitUrl {
  if (!text.startsWith('./') && !text.startsWith('../')) return parseGitUrl(text, insecure);
  const at = parent.url.includes('://')
    ? parent.url.indexOf('/', parent.url.indexOf('://') + 3)
    : parent.url.indexOf(':') + 1;
  const base = parent.url.slice(at).replace(/\/+$/, '');
  const path = posix.join(base, text);
  if (path.startsWith('..') || (base.startsWith('/') && !climbs(base, text))) {
    throw sourceError('SOURCE_REFUSED', `the submodule URL ${JSON.stringify(text)} leaves ${parent.url}`, {
      hint: 'Such a repository is not built; its owner must correct .gitmodules.',
    });
  }
  return parseGitUrl(parent.url.slice(0, at) + path, insecure);
}

/** Whether no `..` goes above the root. */
function climbs(base: string, text: string): boolean {
  let depth = base.split('/').filter((part) => part !== '').length;
  for (const part of text.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}
