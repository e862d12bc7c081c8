import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf, redact } from '../../../base/index.ts';
import type { SnapshotRequest } from './types.ts';

/** Milliseconds without a byte after which a server counts as dead. */
const STALL = 30_000;

export interface UpstreamAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly location: string | undefined;
  /** Answers differ by what the client accepts. */
  readonly varies: boolean;
  readonly size: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  drop(): void;
}

/** Asks the network for what a build asked for: whole files, not compressed on the way, no conditions. */
export type FetchUpstream = (request: SnapshotRequest, at: URL, signal: AbortSignal) => Promise<UpstreamAnswer>;

export const fetchUpstream: FetchUpstream = async (request, at, signal) => {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const send = at.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(at, {
      method: 'GET',
      signal,
      timeout: STALL,
      headers: {
        'user-agent': request.agent,
        'accept-encoding': 'identity',
        ...(request.accept === undefined ? {} : { accept: request.accept }),
        ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
      },
    });
    outgoing.on('response', resolve);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no byte for ${STALL / 1000} s`)));
    outgoing.on('error', (error) => reject(new Error(`${redact(at.href)}: ${messageOf(error)}`, { cause: error })));
    outgoing.end();
  });
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  return {
    status: answer.statusCode ?? 502,
    type: answer.headers['content-type'],
    location: answer.headers.location,
    varies: /\baccept\b(?!-)/i.test(answer.headers.vary ?? ''),
    size: Number.isSafeInteger(length) ? length : undefined,
    body: answer,
    drop: () => answer.destroy(),
  };
};
