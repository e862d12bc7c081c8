import type { Accounts, Audit, NewSecret } from './access-contract.ts';
import { answerOf, type RemoteRequest, request } from './remote.ts';

const TIMEOUT = 30_000;

/** Accounts of a running server. Times are RFC 3339. */
export interface RemoteAccounts {
  list(): Promise<Accounts>;
  add(account: { name: string; kind: 'person' | 'robot'; password?: string; expires?: string }): Promise<NewSecret>;
  remove(name: string): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  signOut(name: string): Promise<void>;
  addSecret(name: string, secret: { label?: string; replace?: boolean; expires?: string }): Promise<NewSecret>;
  removeSecret(name: string, id: number): Promise<void>;
  grant(grant: { to: string; role: string; on: string }): Promise<void>;
  revoke(grant: { to: string; role: string; on: string }): Promise<void>;
  rotateKeys(): Promise<void>;
  audit(query: Readonly<Record<string, string | undefined>>): Promise<Audit>;
}

/** @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with */
export function createRemoteAccounts(url: string, key: string): RemoteAccounts {
  const send = async (
    method: NonNullable<RemoteRequest['method']>,
    path: string,
    body?: object,
    query: Readonly<Record<string, string | undefined>> = {},
  ): Promise<unknown> => {
    const target = new URL(`/api/v1/${path}`, url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) target.searchParams.set(name, value);
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await request(target, signal, { accept: 'application/json', key, method, body });
    return response.status === 204 ? undefined : await answerOf(response, target);
  };
  const of = (name: string): string => `accounts/${encodeURIComponent(name)}`;
  return {
    list: async () => (await send('GET', 'accounts')) as Accounts,
    add: async (account) => (await send('POST', 'accounts', account)) as NewSecret,
    remove: async (name) => void (await send('DELETE', of(name))),
    setPassword: async (name, password) => void (await send('PUT', `${of(name)}/password`, { password })),
    signOut: async (name) => void (await send('POST', `${of(name)}/sign-out`)),
    addSecret: async (name, secret) => (await send('POST', `${of(name)}/secrets`, secret)) as NewSecret,
    removeSecret: async (name, id) => void (await send('DELETE', `${of(name)}/secrets/${id}`)),
    grant: async (grant) => void (await send('POST', 'grants', grant)),
    revoke: async (grant) => void (await send('DELETE', 'grants', undefined, grant)),
    rotateKeys: async () => void (await send('POST', 'keys/rotate')),
    audit: async (query) => (await send('GET', 'audit', undefined, query)) as Audit,
  };
}
