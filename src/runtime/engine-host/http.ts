import { createReadStream, createWriteStream } from 'node:fs';
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { engineHostError } from './errors.ts';

/** Bytes of one JSON answer: 10,000 containers with long labels are far below. */
const ANSWER_LIMIT = 64 * 1024 * 1024;
/** Milliseconds without a byte from the engine. A stop with its grace and a pull take longer and say so. */
const SILENCE = 30_000;

export interface EngineAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface EngineCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte until the call is given up. */
  readonly silence?: number;
  readonly signal?: AbortSignal;
  /** Bytes of the answer that are read; what comes after them is left. Without it a long answer is an error. */
  readonly keep?: number;
}

/** How the API is spoken to. */
export type EngineTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** PEM; undefined: plain HTTP. */
      readonly tls?: {
        readonly ca?: string;
        readonly cert?: string;
        readonly key?: string;
        readonly unverified: boolean;
      };
    };

/** One connection that speaks the Docker Engine API. */
export interface EngineSocket {
  /** Path, or host and port, for people. */
  readonly path: string;
  /** @throws ENGINE_HOST_UNAVAILABLE. Any status is an answer. */
  call(call: EngineCall): Promise<EngineAnswer>;
  /** Streams the body of an answer with status 200 into a file; the answer of another status is returned. */
  download(call: EngineCall, file: string): Promise<EngineAnswer>;
  /** Streams a file as the body of a request. */
  upload(call: EngineCall, file: string): Promise<EngineAnswer>;
  /** The connection itself, both ways, after the engine's consent. @throws ENGINE_HOST_UNAVAILABLE, ENGINE_HOST_REFUSED */
  hijack(call: EngineCall): Promise<Duplex>;
  close(): void;
}

/** Bytes of one download: the archive of an image. */
const DOWNLOAD_LIMIT = 64 * 1024 * 1024 * 1024;

async function store(message: IncomingMessage, file: string): Promise<Buffer> {
  let size = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const part of message as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > DOWNLOAD_LIMIT) throw new Error(`the engine's answer is over ${DOWNLOAD_LIMIT} bytes`);
      yield part;
    }
  };
  await pipeline(counted, createWriteStream(file, { mode: 0o600 }));
  return Buffer.alloc(0);
}

async function collect(message: IncomingMessage, keep?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (keep !== undefined && size > keep) {
      parts.push(part.subarray(0, part.length - (size - keep)));
      message.destroy();
      break;
    }
    if (size > ANSWER_LIMIT) {
      message.destroy();
      throw new Error(`the engine's answer is over ${ANSWER_LIMIT} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const UNTRUSTED =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH)/;
/** Alerts by which a server refuses a client's certificate, or the lack of one. */
const DENIED =
  /alert (?:bad certificate|certificate (?:required|expired|revoked|unknown)|unknown ca|handshake failure|access denied)/i;

function failureOf(path: string, cause: unknown) {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = String((cause as { code?: unknown })?.code ?? '');
  if (UNTRUSTED.test(code)) {
    return engineHostError('ENGINE_HOST_UNTRUSTED', `the certificate of ${path} is not believed: ${why} (${code})`, {
      cause,
      hint: 'Name the authority that signed it (`caFile`), and reach the engine by a name that stands in it.',
    });
  }
  if (DENIED.test(why)) {
    return engineHostError('ENGINE_HOST_LOGIN_FAILED', `${path} does not let us in: ${why}`, {
      cause,
      hint: 'Name a certificate (`certFile`, `keyFile`) that its authority signed and that has not expired.',
    });
  }
  return engineHostError('ENGINE_HOST_UNAVAILABLE', `the engine does not answer on ${path}: ${why}`, {
    cause,
    hint: 'Start it (`systemctl start podman.socket`, or `docker.service`), or name another socket: `--socket PATH`.',
  });
}

/** What every request to a target has in common. */
function transportOf(target: EngineTarget): {
  readonly agent: Agent;
  readonly begin: (options: RequestOptions) => ClientRequest;
} {
  const pool = { keepAlive: true, maxSockets: 16 };
  if (target.kind === 'socket') {
    const agent = new Agent(pool);
    return { agent, begin: (options) => request({ ...options, socketPath: target.path, agent }) };
  }
  const { host, port, tls } = target;
  if (tls === undefined) {
    const agent = new Agent(pool);
    return { agent, begin: (options) => request({ ...options, host, port, agent }) };
  }
  const { unverified, ...pem } = tls;
  // Otherwise the Host header would be the name that its certificate is held against.
  const servername = isIP(host) === 0 ? host : '';
  const agent = new TlsAgent({ ...pool, ...pem, rejectUnauthorized: !unverified, minVersion: 'TLSv1.2' });
  return { agent, begin: (options) => tlsRequest({ ...options, host, port, servername, agent }) };
}

export function openEngineSocket(target: EngineTarget): EngineSocket {
  const path = target.kind === 'socket' ? target.path : `${target.host}:${target.port}`;
  const { agent, begin } = transportOf(target);
  const once = async (call: EngineCall, file?: string): Promise<EngineAnswer> =>
    await new Promise((resolve, reject) => {
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      const sent = begin({
        method: call.method ?? 'GET',
        path: call.path,
        headers: {
          ...call.headers,
          host: 'engine',
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        },
        timeout: call.silence ?? SILENCE,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      sent.once('timeout', () => sent.destroy(new Error(`no answer for ${call.silence ?? SILENCE} ms`)));
      sent.once('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
      sent.once('response', (message) => {
        const taken =
          file !== undefined && message.statusCode === 200 ? store(message, file) : collect(message, call.keep);
        taken.then(
          (bytes) => resolve({ status: message.statusCode ?? 0, headers: message.headers, body: bytes }),
          reject,
        );
      });
      sent.end(body);
    });
  const asked = async (call: EngineCall, file?: string): Promise<EngineAnswer> => {
    try {
      return await once(call, file).catch(async (error: Error & { reused?: boolean; code?: string }) => {
        // The engine closed an idle kept connection at the moment it was used: it has not seen the request.
        if (error.reused === true && error.code === 'ECONNRESET') return await once(call, file);
        throw error;
      });
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw failureOf(path, cause);
    }
  };
  const upload = async (call: EngineCall, file: string): Promise<EngineAnswer> => {
    const sent = begin({
      method: 'POST',
      path: call.path,
      headers: { ...call.headers, host: 'engine', 'content-type': 'application/x-tar' },
      timeout: call.silence ?? SILENCE,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer for ${call.silence ?? SILENCE} ms`)));
    try {
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        sent.once('response', resolve);
        sent.once('error', reject);
      });
      const [message] = await Promise.all([answered, pipeline(createReadStream(file), sent)]);
      return { status: message.statusCode ?? 0, headers: message.headers, body: await collect(message) };
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw failureOf(path, cause);
    }
  };
  const hijack = async (call: EngineCall): Promise<Duplex> =>
    await new Promise((resolve, reject) => {
      const headers = { ...call.headers, host: 'engine', connection: 'Upgrade', upgrade: 'tcp', 'content-length': 0 };
      const sent = begin({ method: 'POST', path: call.path, headers });
      sent.once('error', (cause) => reject(failureOf(path, cause)));
      sent.once('upgrade', (_message, socket: Duplex, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      sent.once('response', (message) => {
        collect(message).then(
          (body) =>
            reject(engineHostError('ENGINE_HOST_REFUSED', `${path} does not attach: ${message.statusCode} ${body}`)),
          (cause: unknown) => reject(failureOf(path, cause)),
        );
      });
      sent.end();
    });
  return {
    path,
    call: (call) => asked(call),
    download: (call, file) => asked(call, file),
    upload,
    hijack,
    close: () => agent.destroy(),
  };
}
