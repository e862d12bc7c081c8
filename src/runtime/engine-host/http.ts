import { createWriteStream } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
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
}

/** One unix socket that speaks the Docker Engine API. */
export interface EngineSocket {
  readonly path: string;
  /** @throws ENGINE_HOST_UNAVAILABLE. Any status is an answer. */
  call(call: EngineCall): Promise<EngineAnswer>;
  /** Streams the body of an answer with status 200 into a file; the answer of another status is returned. */
  download(call: EngineCall, file: string): Promise<EngineAnswer>;
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

async function collect(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ANSWER_LIMIT) {
      message.destroy();
      throw new Error(`the engine's answer is over ${ANSWER_LIMIT} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function openEngineSocket(path: string): EngineSocket {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const once = async (call: EngineCall, file?: string): Promise<EngineAnswer> =>
    await new Promise((resolve, reject) => {
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      const sent = request({
        socketPath: path,
        agent,
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
        const taken = file !== undefined && message.statusCode === 200 ? store(message, file) : collect(message);
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
      const why = cause instanceof Error ? cause.message : String(cause);
      throw engineHostError('ENGINE_HOST_UNAVAILABLE', `the engine does not answer on ${path}: ${why}`, {
        cause,
        hint: 'Start podman.socket or docker.service, or name another socket.',
      });
    }
  };
  return {
    path,
    call: (call) => asked(call),
    download: (call, file) => asked(call, file),
    close: () => agent.destroy(),
  };
}
