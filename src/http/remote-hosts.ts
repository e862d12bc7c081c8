import type { HostReport, Hosts, ReportAnswer, Running } from './hosts-contract.ts';
import { answerOf, type RemoteRequest, request } from './remote.ts';

/** Milliseconds for a report or a question. */
const TIMEOUT = 60_000;

/** A running server as agents reach it. */
export interface RemoteHosts {
  report(report: HostReport): Promise<ReportAnswer>;
  hosts(after?: string): Promise<Hosts>;
  running(digest: string): Promise<Running>;
}

/**
 * @param key a secret of an account with the role `report` (to read: `view`)
 * @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with
 */
export function createRemoteHosts(url: string, key?: string, signal?: AbortSignal): RemoteHosts {
  const ask = async <T>(path: string, options: Partial<RemoteRequest> = {}): Promise<T> => {
    const target = new URL(path, `${url.replace(/\/+$/, '')}/`);
    const limit = AbortSignal.timeout(TIMEOUT);
    const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    const response = await request(target, ends, { accept: 'application/json', key, ...options });
    return (await answerOf(response, target)) as T;
  };
  return {
    report: (report) => ask('api/v1/hosts/report', { method: 'POST', body: report }),
    hosts: (after) => ask(`api/v1/hosts${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`),
    running: (digest) => ask(`api/v1/hosts/running?digest=${encodeURIComponent(digest)}`),
  };
}
