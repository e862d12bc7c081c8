import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { type Log, messageOf } from '../base/index.ts';
import { httpError } from './errors.ts';

/** PEM files. */
export interface TlsFiles {
  /** The certificate, and after it those between it and the root. */
  readonly cert: string;
  readonly key: string;
  /** Clients must show a certificate that one of these signed. */
  readonly clientCa?: string;
}

/** Serving with certificates that change while it runs. */
export interface TlsServing {
  /** Fastify's `serverFactory`. */
  serve(handler: RequestListener): Server;
  /** Reads the files again; a broken or half-written pair keeps the one in use. @returns whether others are in use now */
  reload(): Promise<boolean>;
  close(): void;
}

/** Milliseconds between looks at the files: certificate managers replace them without a word. */
const LOOK_INTERVAL = 10_000;
/** As Fastify sets them on servers that it makes itself; uploads may take longer than Node's five minutes. */
const TIMEOUTS = { requestTimeout: 0, keepAliveTimeout: 72_000 };

/**
 * Reads and checks the files, and looks at them again now and then.
 * @throws HTTP_TLS_INVALID when they cannot be served with now
 */
export async function openTls(files: TlsFiles, log: Log, interval = LOOK_INTERVAL): Promise<TlsServing> {
  let content = await read(files);
  check(files, content);
  let server: ReturnType<typeof createServer> | undefined;
  let refused: Content | undefined;

  const reload = async (): Promise<boolean> => {
    let found: Content | undefined;
    try {
      found = await read(files);
      if (same(found, content)) {
        refused = undefined;
        return false;
      }
      check(files, found);
      server?.setSecureContext(contextOf(found));
      content = found;
      refused = undefined;
      log.info('certificate replaced', { file: files.cert, until: new X509Certificate(found.cert).validTo });
      return true;
    } catch (error) {
      // Said once for each broken content, not at every look.
      if (found === undefined || refused === undefined || !same(found, refused)) {
        log.error('the new certificate is not usable; the old one stays', { error: messageOf(error) });
      }
      refused = found;
      return false;
    }
  };
  const timer = setInterval(() => void reload(), interval);
  timer.unref();

  return {
    serve(handler) {
      const clients = files.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
      server = createServer({ ...contextOf(content), ...clients, ...TIMEOUTS }, handler);
      return server as unknown as Server;
    },
    reload,
    close: () => clearInterval(timer),
  };
}

/** The same server without TLS, for this machine alone; closed with it. @returns its URL */
export async function listenLocally(server: FastifyInstance): Promise<string> {
  const plain = createPlainServer(TIMEOUTS, (request, response) => server.routing(request, response));
  await new Promise<void>((resolve, reject) => {
    plain.once('error', reject);
    plain.listen(0, '127.0.0.1', resolve);
  });
  server.server.once('close', () => {
    plain.close();
    plain.closeAllConnections();
  });
  return `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
}

interface Content {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

async function read({ cert, key, clientCa }: TlsFiles): Promise<Content> {
  const one = async (path: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      throw invalid(`${path} cannot be read: ${messageOf(error)}`);
    }
  };
  const [first, second, third] = await Promise.all([one(cert), one(key), clientCa && one(clientCa)]);
  return { cert: first, key: second, clientCa: third };
}

const same = (one: Content, other: Content): boolean =>
  one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa;

/** @throws HTTP_TLS_INVALID */
function check(files: TlsFiles, content: Content): void {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(content.cert).checkPrivateKey(createPrivateKey(content.key));
    createSecureContext(contextOf(content));
  } catch (error) {
    throw invalid(`${files.cert} and ${files.key} are no certificate and key: ${messageOf(error)}`);
  }
  if (!belongs) throw invalid(`the key in ${files.key} is not that of the certificate in ${files.cert}`);
}

const contextOf = ({ cert, key, clientCa }: Content): SecureContextOptions => ({
  cert,
  key,
  minVersion: 'TLSv1.2',
  ...(clientCa === undefined ? {} : { ca: clientCa }),
});

const invalid = (why: string): Error =>
  httpError('HTTP_TLS_INVALID', why, {
    hint: 'Give PEM files: the certificate chain, and its key without a password.',
  });
