import type { IncomingMessage } from 'node:http';
import { DEFAULT_RETRY, type RetryOptions, retry } from '../../base/index.ts';
import { registryError } from '../errors.ts';
import { answerChallenge } from './authorize.ts';
import { parseChallenges } from './challenge.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { createExchange, isLoopback, type Outgoing, speaksNoTls } from './exchange.ts';
import { DEFAULT_TIMEOUT, type RegistryClientOptions } from './options.ts';
import { retryAfter } from './retry-after.ts';
import { warningsOf } from './warnings.ts';

export interface Call {
  readonly method: Outgoing['method'];
  /** Absolute path with its query, or what a Location header said. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => Promise<NonNullable<Outgoing['body']>>;
  readonly repository?: string;
  /** `pull`, `pull,push`, … on `repository`; more scopes for a mount. */
  readonly scopes?: readonly string[];
  /** False where a second try could do harm. */
  readonly again?: boolean;
}

/** Speaks to one registry: scheme, authorisation, redirects, retries. Any status but 401, 429 and 5xx is an answer. */
export interface Session {
  readonly registry: string;
  readonly retry: RetryOptions;
  call(call: Call): Promise<IncomingMessage>;
  close(): void;
}

const MAX_REDIRECTS = 5;
/** Different warnings that are passed on. */
const MAX_WARNED = 100;
const DOCKER_HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io']);

export function createSession(registry: string, options: RegistryClientOptions = {}): Session {
  const exchange = createExchange({
    insecure: options.insecure === true,
    timeout: options.timeout ?? DEFAULT_TIMEOUT,
  });
  const host = DOCKER_HUB.has(registry) ? 'registry-1.docker.io' : registry;
  const again = {
    ...DEFAULT_RETRY,
    ...options.retry,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  const tokens = new Map<string, string>();
  const warned = new Set<string>();
  let base: Promise<URL> | undefined;

  const credentialsFor = async (repository: string): Promise<Credentials | undefined> => {
    if (options.credentials === 'anonymous') return undefined;
    return options.credentials ?? (await findCredentials(registry, repository, options.environment));
  };

  const warn = (header: string | string[] | undefined): void => {
    for (const text of warningsOf(header)) {
      if (warned.has(text) || warned.size >= MAX_WARNED) continue;
      warned.add(text);
      options.onWarning?.(text);
    }
  };

  const findBase = async (): Promise<URL> => {
    const secure = new URL(`https://${host}/v2/`);
    if (options.insecure !== true && !isLoopback(secure.hostname)) return secure;
    try {
      const answer = await exchange.send({ method: 'GET', url: secure, signal: options.signal });
      answer.resume();
      return secure;
    } catch (error) {
      if (speaksNoTls(error)) return new URL(`http://${host}/v2/`);
      throw error;
    }
  };

  const once = async (call: Call, url: URL, authorization: string | undefined): Promise<IncomingMessage> => {
    const origin = url.origin;
    let target = redirectTarget(url, call.path);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const own = target.origin === origin;
      const headers = {
        ...call.headers,
        ...(own && authorization !== undefined ? { authorization } : {}),
      };
      const body = await call.body?.();
      const answer = await exchange.send({
        method: call.method,
        url: target,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: options.signal,
      });
      const location = answer.headers.location;
      const redirected = [301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) && location !== undefined;
      if (!redirected) {
        warn(answer.headers.warning);
        return answer;
      }
      answer.resume();
      target = redirectTarget(target, location);
    }
    throw registryError('REGISTRY_ANSWER_INVALID', `${host} redirects more than ${MAX_REDIRECTS} times`);
  };

  const authorised = async (call: Call): Promise<IncomingMessage> => {
    base ??= findBase();
    const url = await base.catch((error: unknown) => {
      base = undefined;
      throw error;
    });
    const scopes = call.scopes ?? [];
    const key = scopes.join(' ');
    const sent = tokens.get(key);
    const answer = await once(call, url, sent);
    if (answer.statusCode !== 401) return answer;
    const challenges = parseChallenges(answer.headers['www-authenticate'] ?? '');
    const credentials = await credentialsFor(call.repository ?? '');
    const value = await answerChallenge(exchange, url, challenges, scopes, credentials);
    // Refused with what we just would send again: the refusal is the answer.
    if (value === undefined || (value === sent && value.startsWith('Basic '))) return answer;
    answer.resume();
    tokens.set(key, value);
    return once(call, url, value);
  };

  return {
    registry,
    retry: again,
    call: (call) =>
      retry(
        async () => {
          const answer = await authorised(call);
          const status = answer.statusCode ?? 0;
          if (status !== 429 && status < 500) return answer;
          answer.resume();
          const seconds = retryAfter(answer.headers['retry-after']);
          const code = status === 429 ? 'REGISTRY_TOOMANYREQUESTS' : 'REGISTRY_UNAVAILABLE';
          throw registryError(code, `${registry} answers ${status} to ${call.method} ${call.path.split('?', 1)[0]}`, {
            ...(seconds === undefined
              ? {}
              : { details: { retryAfter: seconds }, hint: `It asks to come again in ${seconds} s.` }),
          });
        },
        { ...again, ...(call.again === false ? { attempts: 1 } : {}) },
      ),
    close: () => exchange.close(),
  };
}

/** Never from TLS to plain text, never to anything but HTTP. */
function redirectTarget(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:')) return to;
  throw registryError('REGISTRY_ANSWER_INVALID', `${from.host} redirects to where we do not follow`);
}
