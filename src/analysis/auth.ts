import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf } from '../base/index.ts';
import { analysisError } from './errors.ts';
import type { EndpointAuth } from './settings.ts';

/** Where files of the settings lie, and where variables come from. */
export interface SecretPlaces {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const LONGEST = 64 * 1024;

const missing = (what: string, cause?: unknown): Error =>
  analysisError('ANALYSIS_CREDENTIALS_MISSING', `health analysis: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Set the variable for the process that rolls out, or put the file beside the fleet file.',
  });

/** A file named in the settings. @throws ANALYSIS_CREDENTIALS_MISSING */
export async function readNamedFile(file: string, { folder }: SecretPlaces): Promise<string> {
  try {
    const text = await readFile(resolve(folder, file), 'utf8');
    if (text.length <= LONGEST * 16) return text;
  } catch (cause) {
    throw missing(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? messageOf(cause)}`, cause);
  }
  throw missing(`${file} is too long for a secret or a certificate`);
}

async function secret(
  variable: string | undefined,
  file: string | undefined,
  places: SecretPlaces,
): Promise<string | undefined> {
  if (file !== undefined) return (await readNamedFile(file, places)).trim();
  if (variable === undefined) return undefined;
  const value = places.environment[variable];
  if (value === undefined || value === '') throw missing(`the environment variable ${variable} is not set`);
  return value.trim();
}

/**
 * The header that signs a question in. Read each time, because tokens in files are renewed.
 * @throws ANALYSIS_CREDENTIALS_MISSING
 */
export async function authHeaders(
  auth: EndpointAuth | undefined,
  places: SecretPlaces,
): Promise<Readonly<Record<string, string>>> {
  if (auth === undefined) return {};
  const token = await secret(auth.tokenEnv, auth.tokenFile, places);
  if (token !== undefined) {
    if (/[^\x20-\x7e]/.test(token)) throw missing('the token has characters that no header may have');
    return auth.header === undefined ? { authorization: `Bearer ${token}` } : { [auth.header.toLowerCase()]: token };
  }
  const password = await secret(auth.passwordEnv, auth.passwordFile, places);
  if (password === undefined || auth.username === undefined)
    throw missing('a user needs a password, and a password a user');
  return { authorization: `Basic ${Buffer.from(`${auth.username}:${password}`).toString('base64')}` };
}
