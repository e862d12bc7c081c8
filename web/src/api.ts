import { useQuery } from '@tanstack/react-query';
import type { Me } from '../../src/http/access-contract.ts';
import type { Fleet, Layers, Outdated, Plan, Problem } from '../../src/http/contract.ts';

/** What the server said, in its own words. */
export class ApiError extends Error {
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

export async function get<T>(path: string, signal: AbortSignal): Promise<T> {
  return await answerOf<T>(await fetch(`/api/v1/${path}`, { signal, headers: { accept: 'application/json' } }));
}

/** The browser says itself which page asks (Origin, Sec-Fetch-Site); the server believes nothing else. */
export async function post<T>(path: string, body: object): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return await answerOf<T>(await fetch(`/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => undefined)) as T | Problem | undefined;
  if (response.ok && body !== undefined) return body as T;
  // Signed out, or never in: the server's own page asks who it is and comes back here.
  if (response.status === 401) location.assign(`/auth/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const problem = (body as Problem | undefined)?.error;
  throw new ApiError(problem?.message ?? `the server answered ${response.status}`, problem?.hint ?? null);
}

/** Milliseconds between looks at a plan that is being carried out, should an event get lost. */
const RUNNING_REFRESH = 5_000;

export const useMe = () =>
  useQuery({ queryKey: ['me'], queryFn: ({ signal }) => get<Me>('me', signal), staleTime: 60_000 });

export async function signOut(): Promise<void> {
  await fetch('/auth/sign-out', { method: 'POST', redirect: 'manual' });
  location.assign('/auth/sign-in');
}

export const useFleet = () =>
  useQuery({ queryKey: ['fleet'], queryFn: ({ signal }) => get<Fleet>('fleet', signal), refetchInterval: 60_000 });

export const usePlan = () =>
  useQuery({
    queryKey: ['plan'],
    queryFn: ({ signal }) => get<Plan>('plan', signal),
    refetchInterval: (query) => (query.state.data?.status === 'running' ? RUNNING_REFRESH : 60_000),
  });

export const useFindings = (image: string) =>
  useQuery({
    queryKey: ['findings', image],
    queryFn: ({ signal }) => get<Outdated>(`findings?image=${encodeURIComponent(image)}`, signal),
  });

export const useLayers = (image: string) =>
  useQuery({
    queryKey: ['layers', image],
    queryFn: ({ signal }) => get<Layers>(`layers?image=${encodeURIComponent(image)}`, signal),
  });
