import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../base/index.ts';
import { registryError } from '../errors.ts';

export interface Outgoing {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes, or a stream with its length. */
  readonly body?: Uint8Array | { readonly stream: Readable; readonly size: number };
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests on kept connections. */
export interface Exchange {
  /** @throws REGISTRY_UNREACHABLE; any status is an answer */
  send(outgoing: Outgoing): Promise<IncomingMessage>;
  close(): void;
}

const SOCKETS = 8;

/** Codes of a TLS handshake with something that does not speak TLS. */
const NOT_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ECONNRESET']);

export const speaksNoTls = (error: unknown): boolean => {
  const cause = (error as { cause?: { code?: string } } | undefined)?.cause;
  return NOT_TLS.has(cause?.code ?? '');
};

export function createExchange(options: { readonly insecure: boolean; readonly timeout: number }): Exchange {
  const common = { keepAlive: true, maxSockets: SOCKETS, timeout: options.timeout };
  // The usual variables (HTTPS_PROXY, NO_PROXY) count, except on the way to this machine itself.
  const proxied = { ...common, proxyEnv: process.env };
  const agents = {
    direct: { 'http:': new PlainAgent(common), 'https:': new SecureAgent({ ...common, rejectUnauthorized: false }) },
    plain: new PlainAgent(proxied),
    secure: new SecureAgent({ ...proxied, rejectUnauthorized: !options.insecure }),
  };
  const agentFor = (url: URL): PlainAgent => {
    if (isLoopback(url.hostname)) return agents.direct[url.protocol as 'http:' | 'https:'];
    return url.protocol === 'http:' ? agents.plain : agents.secure;
  };
  return {
    send: (outgoing) => send(outgoing, agentFor(outgoing.url), options.timeout),
    close() {
      for (const agent of [...Object.values(agents.direct), agents.plain, agents.secure]) agent.destroy();
    },
  };
}

export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

function send({ method, url, headers, body, signal }: Outgoing, agent: PlainAgent, timeout: number) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const size = body === undefined ? 0 : 'stream' in body ? body.size : body.length;
    const lengthHeader: Record<string, string> =
      method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(size) };
    const fail = (error: unknown): void => reject(unreachable(url, error));
    const start = url.protocol === 'http:' ? plainRequest : secureRequest;
    const outgoing = start(
      url,
      { method, agent, headers: { ...headers, ...lengthHeader }, ...(signal === undefined ? {} : { signal }) },
      (answer) => {
        answer.setTimeout(timeout, () => answer.destroy(new Error(`nothing came for ${timeout} ms`)));
        resolve(answer);
      },
    );
    outgoing.setTimeout(timeout, () => outgoing.destroy(new Error(`no answer for ${timeout} ms`)));
    outgoing.on('error', fail);
    if (body === undefined) outgoing.end();
    else if (!('stream' in body)) outgoing.end(body);
    // A server may answer before it has read everything (wrong digest, no access): then the answer counts.
    else pipeline(body.stream, outgoing).catch(fail);
  });
}

function unreachable(url: URL, error: unknown): unknown {
  if ((error as Error).name === 'AbortError') return error;
  // Errors of the content that was being sent are not the registry's.
  if (typeof (error as { kind?: unknown }).kind === 'string') return error;
  return registryError('REGISTRY_UNREACHABLE', `${url.host} cannot be reached: ${messageOf(error)}`, {
    cause: error,
    hint: 'Check the name, the network and, for a registry without valid certificate, --insecure.',
  });
}
