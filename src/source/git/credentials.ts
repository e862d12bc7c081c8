import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { sourceError } from '../errors.ts';
import type { GitCredentials } from '../types.ts';
import type { GitUrl } from './git-url.ts';

/** What one call of git gets beside its arguments. */
export interface GitAccess {
  /** By `GIT_CONFIG_*`, which shows neither in a process list nor in git's messages. */
  readonly config: readonly (readonly [key: string, value: string])[];
  readonly environment: Readonly<Record<string, string>>;
  /** Lines for ssh's configuration file. */
  readonly ssh: readonly string[];
  /** Hidden wherever git's words are shown. */
  readonly secrets: readonly string[];
}

const MAX_SECRET_BYTES = 64 * 1024;
const HELPER = /^[a-z0-9][a-z0-9-]{0,60}$/;
const DEFAULT_USER = 'x-access-token';

/**
 * Credentials for one server. They are bound to it: git is not to follow redirects while it has them, and submodules on
 * other servers get none.
 * @throws SOURCE_CREDENTIALS_UNREADABLE, SOURCE_REFUSED
 */
export async function gitAccess(
  url: GitUrl,
  credentials: GitCredentials | undefined,
  caFile: string | undefined,
): Promise<GitAccess> {
  const { username = DEFAULT_USER, passwordFile, passwordEnv, helper } = credentials ?? {};
  const config: [string, string][] = [];
  const environment: Record<string, string> = {};
  const secrets: string[] = [];
  if (caFile !== undefined) environment.GIT_SSL_CAINFO = caFile;
  if (helper !== undefined) {
    if (!HELPER.test(helper) && !(isAbsolute(helper) && /^[\w./-]+$/.test(helper))) {
      throw sourceError('SOURCE_REFUSED', `credential helper ${JSON.stringify(helper)}`, {
        hint: 'Write the NAME of a git-credential-NAME, or the absolute path of a program, without arguments.',
      });
    }
    config.push(['credential.helper', helper], ['credential.useHttpPath', 'true']);
    if (credentials?.username !== undefined) config.push([`credential.${origin(url)}.username`, username]);
    for (const name of ['HOME', 'XDG_RUNTIME_DIR']) environment[name] = process.env[name] ?? '/nonexistent';
  }
  const password = await passwordOf(passwordFile, passwordEnv);
  if (password !== undefined && (url.kind === 'https' || url.kind === 'http')) {
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    config.push([`http.${origin(url)}/.extraHeader`, `Authorization: Basic ${basic}`]);
    secrets.push(password, basic);
  }
  if (helper !== undefined || password !== undefined) config.push(['http.followRedirects', 'false']);
  return { config, environment, ssh: await sshLines(url, credentials), secrets };
}

const origin = (url: GitUrl): string => `${url.kind}://${url.authority}`;

async function passwordOf(file: string | undefined, variable: string | undefined): Promise<string | undefined> {
  if (file !== undefined) return await readSecret(file);
  if (variable === undefined) return undefined;
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  throw sourceError('SOURCE_CREDENTIALS_UNREADABLE', `the environment variable ${variable} is not set`, {
    hint: 'Set it where heraklit runs, or name a passwordFile.',
  });
}

/**
 * A secret from a file: its first line.
 * @throws SOURCE_CREDENTIALS_UNREADABLE
 */
export async function readSecret(file: string): Promise<string> {
  const unreadable = (why: string): Error =>
    sourceError('SOURCE_CREDENTIALS_UNREADABLE', `${file} ${why}`, {
      hint: 'It must hold the password or token, in one line, and be readable for heraklit.',
    });
  let text: string;
  try {
    if ((await stat(file)).size > MAX_SECRET_BYTES) throw new Error('it is too large for a secret');
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(`cannot be read: ${messageOf(error)}`);
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw unreadable('is empty');
  return line;
}

async function sshLines(url: GitUrl, credentials: GitCredentials | undefined): Promise<readonly string[]> {
  if (url.kind !== 'ssh') return [];
  const lines: string[] = [];
  for (const [word, path] of [
    ['IdentityFile', credentials?.sshKeyFile],
    ['UserKnownHostsFile', credentials?.knownHostsFile],
  ] as const) {
    if (path === undefined) continue;
    // ssh_config(5) expands % and ~ and has no way to write a quote within quotes.
    if (/["%\n\r\\]/.test(path) || path.startsWith('~')) {
      throw sourceError('SOURCE_REFUSED', `${JSON.stringify(path)} cannot be named to ssh`, {
        hint: 'Move the file to a path without quotes, % and backslashes.',
      });
    }
    await stat(path).catch((error: unknown) => {
      throw sourceError('SOURCE_CREDENTIALS_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, {
        hint: 'Name an existing file.',
      });
    });
    lines.push(`${word} "${path}"`);
  }
  if (credentials?.sshKeyFile !== undefined) lines.push('IdentitiesOnly yes', 'IdentityAgent none');
  return lines;
}
