import type { FastifyRequest } from 'fastify';
import { destination } from 'pino';
import { asCodedError } from '../../base/index.ts';
import type { ExchangeFacts } from './exchange-facts.ts';

/** One line of JSON a request. */
export interface AccessLog {
  write(facts: ExchangeFacts, request: FastifyRequest, account: string | undefined): void;
  /** Begins the file anew after it was rotated away. */
  reopen(): void;
  close(): Promise<void>;
}

const MAX_TEXT = 500;

/**
 * Opens an access log. Query texts, cookies and credentials are never written: they hold secrets, or may.
 * @param file path, `-` for standard error
 * @throws SYSTEM_ERROR when it cannot be written
 */
export async function openAccessLog(file: string): Promise<AccessLog> {
  const target = destination({ dest: file === '-' ? 2 : file, append: true, mkdir: true, sync: false });
  await new Promise<void>((resolve, reject) => {
    target.once('ready', resolve);
    target.once('error', (error) => reject(asCodedError(error)));
  });
  return {
    write({ route, method, status, seconds, received, sent, aborted }, request, account) {
      const line = JSON.stringify({
        time: new Date().toISOString(),
        request: request.id,
        address: request.ip,
        ...(account === undefined ? {} : { account }),
        method,
        path: request.url.split('?', 1)[0]?.slice(0, MAX_TEXT),
        route,
        status,
        milliseconds: Math.round(seconds * 1e6) / 1e3,
        received,
        sent,
        ...(aborted ? { aborted } : {}),
        agent: request.headers['user-agent']?.slice(0, MAX_TEXT),
      });
      target.write(`${line}\n`);
    },
    reopen: () => target.reopen(),
    close: () =>
      new Promise((resolve) => {
        target.once('close', resolve);
        target.end();
      }),
  };
}
