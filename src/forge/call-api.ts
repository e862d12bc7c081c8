import { messageOf, redact } from '../base/index.ts';
import { forgeError } from './errors.ts';
import type { Forge } from './types.ts';

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the API's root, its parts encoded. */
  readonly path: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
  /** Statuses that are an answer, besides 2xx. */
  readonly accept?: readonly number[];
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; undefined for an empty body. */
  readonly body: unknown;
}

const TIMEOUT = 30_000;
const MAX_BODY = 8 * 1024 * 1024;
const LONGEST_WAIT = 3_600;

/**
 * One call of a forge's API. The token goes to the API's own server alone: redirects are not followed.
 * @throws FORGE_API_FAILED (may work later; `details.retryAfter` in seconds where the forge says so), FORGE_API_REFUSED
 */
export async function callApi(forge: Forge, call: ApiCall): Promise<ApiAnswer> {
  const what = `${call.method} ${forge.api}${call.path.split('?')[0]}`;
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'heraklit' };
  const token = await forge.token?.();
  if (token !== undefined) Object.assign(headers, authorization(forge, token));
  if (forge.kind === 'github') {
    headers.accept = 'application/vnd.github+json';
    headers['x-github-api-version'] = '2022-11-28';
  }
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    const timeout = AbortSignal.timeout(TIMEOUT);
    response = await fetch(`${forge.api}${call.path}`, {
      method: call.method,
      headers,
      redirect: 'manual',
      signal: call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    text = await bodyOf(response);
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw forgeError('FORGE_API_FAILED', `${what}: ${redact(messageOf(cause))}`, { cause: error, hint: LATER });
  }
  const { status } = response;
  if (response.ok || call.accept?.includes(status) === true) return { status, body: parsed(text) };
  throw failure(what, response, text);
}

const LATER = 'It is tried again; check that the forge can be reached from here.';

const authorization = (forge: Forge, token: string): Readonly<Record<string, string>> => {
  if (forge.kind === 'gitlab') return { 'private-token': token };
  return { authorization: forge.kind === 'gitea' ? `token ${token}` : `Bearer ${token}` };
};

async function bodyOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BODY) throw new Error(`the answer has more than ${MAX_BODY} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure(what: string, response: Response, text: string): Error {
  const { status, headers } = response;
  const said = (parsed(text) as { message?: unknown } | undefined)?.message;
  const words = typeof said === 'string' ? said : said === undefined ? '' : JSON.stringify(said);
  const message = redact(`${what} answered ${status} ${words.slice(0, 300)}`.trim());
  const wait = secondsToWait(headers);
  // GitHub answers 403 to those who ask too often.
  const limited = status === 429 || (status === 403 && (wait !== undefined || /rate limit/i.test(words)));
  if (limited || status >= 500 || status === 408 || status === 409) {
    const details = wait === undefined ? {} : { details: { retryAfter: wait } };
    return forgeError('FORGE_API_FAILED', message, { hint: LATER, ...details });
  }
  return forgeError('FORGE_API_REFUSED', message, {
    hint: 'Check the token: it must be valid and may write statuses (and pull requests, where those are made).',
    details: { status, words },
  });
}

function secondsToWait(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  if (after !== null && /^\d{1,6}$/.test(after)) return Math.min(Number(after), LONGEST_WAIT);
  if (headers.get('x-ratelimit-remaining') !== '0') return undefined;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(1, Math.min(reset - Date.now() / 1_000, LONGEST_WAIT)) : undefined;
}
