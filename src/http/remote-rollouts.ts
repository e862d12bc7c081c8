import { answerOf, type RemoteRequest, request } from './remote.ts';
import type { Rollouts } from './rollouts-contract.ts';

/** Milliseconds for a question. */
const TIMEOUT = 60_000;

/**
 * Rollouts as another process steers them; who asks is whose key it is.
 * @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with
 */
export function createRemoteRollouts(url: string, key?: string): Rollouts {
  const ask = async <T>(path: string, query: object = {}, options: Partial<RemoteRequest> = {}): Promise<T> => {
    const target = new URL(`/api/v1/${path}`, url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await request(target, signal, { accept: 'application/json', key, ...options });
    return (await answerOf(response, target)) as T;
  };
  const post = <T>(path: string, body: object): Promise<T> => ask(path, {}, { method: 'POST', body });
  return {
    list: (query) => ask('rollouts', query),
    show: (id) => ask(`rollouts/${id}`),
    act: (id, action, word) => post(`rollouts/${id}/${action}`, word),
    takeBack: (workload, word) => post('rollouts/rollback', { workload, ...word }),
    promote: (wanted) => post('promotions', wanted),
    simulate: (image, digest) => ask('rollouts/simulation', { image, digest }),
    findings: () => ask('rollouts/findings'),
    runtimes: () => ask('rollouts/runtimes'),
    quarantine: () => ask('quarantine'),
    lift: (digest, word) => post('quarantine/lift', { digest, ...word }),
  };
}
