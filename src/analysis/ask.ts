import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isHeraklitError, messageOf, redact } from '../base/index.ts';
import { authHeaders, readNamedFile, type SecretPlaces } from './auth.ts';
import type { Endpoint } from './settings.ts';

export interface Question {
  readonly endpoint: Endpoint;
  /** Filled in. */
  readonly url: string;
  /** Sent by POST when there is one. */
  readonly form?: URLSearchParams;
  readonly places: SecretPlaces;
  readonly signal?: AbortSignal | undefined;
}

/** Parsed JSON of a 2xx answer, or why there is none, without secrets. */
export type Answer = { readonly json: unknown } | { readonly trouble: string };

/** Bytes of one answer. A number comes in some hundred. */
const MAX_ANSWER = 4 * 1024 * 1024;
const DEFAULT_TIMEOUT = 10;
const SECOND = 1_000;

async function bodyOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_ANSWER) {
      message.destroy();
      throw new Error(`the answer has more than ${MAX_ANSWER} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function certificates({ caFile, certFile, keyFile, insecure }: Endpoint, places: SecretPlaces): Promise<object> {
  const read = async (name: string, file: string | undefined): Promise<object> =>
    file === undefined ? {} : { [name]: await readNamedFile(file, places) };
  return {
    ...(await read('ca', caFile)),
    ...(await read('cert', certFile)),
    ...(await read('key', keyFile)),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

async function send(question: Question, signal: AbortSignal): Promise<{ status: number; message: IncomingMessage }> {
  const { endpoint, form, places } = question;
  const url = new URL(question.url);
  const body = form?.toString();
  const secure = url.protocol === 'https:';
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'heraklit',
      ...(await authHeaders(endpoint.auth, places)),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    },
    signal,
    // Questions are minutes apart: no connection is kept for the next.
    agent: false as const,
    ...(secure ? await certificates(endpoint, places) : {}),
  };
  return await new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(url, options, (message) =>
      resolve({ status: message.statusCode ?? 0, message }),
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a server says of itself is foreign text: short, on one line, without what looks like a secret. */
const words = (text: string): string => redact(text.replace(/\s+/g, ' ').slice(0, 200)).trim();

/**
 * Asks once. Redirects are not followed (the token is for this server alone), the whole takes no longer than the endpoint's
 * time, the answer is no larger than some megabytes. Whatever goes wrong is an answer, too: that there is none.
 */
export async function ask(question: Question): Promise<Answer> {
  const seconds = question.endpoint.timeout ?? DEFAULT_TIMEOUT;
  const late = AbortSignal.timeout(seconds * SECOND);
  const signal = question.signal === undefined ? late : AbortSignal.any([late, question.signal]);
  const host = new URL(question.url).host;
  try {
    const { status, message } = await send(question, signal);
    if (status >= 300 && status < 400) {
      message.destroy();
      return { trouble: `${host} redirects elsewhere (${status}), which is not followed` };
    }
    const text = await bodyOf(message);
    const json = parsed(text);
    if (status < 200 || status >= 300) {
      const said = (json as { error?: unknown } | undefined)?.error;
      return { trouble: `${host} answers ${status} ${words(typeof said === 'string' ? said : '')}`.trim() };
    }
    return json === undefined ? { trouble: `${host} does not answer with JSON` } : { json };
  } catch (error) {
    question.signal?.throwIfAborted();
    if (late.aborted) return { trouble: `${host} does not answer within ${seconds} s` };
    if (isHeraklitError(error)) return { trouble: error.message };
    return { trouble: `${host}: ${words(messageOf(error))}` };
  }
}
