import type { ContentReader, Json } from '../types.ts';

/** What is wrong with the accounts that etc/passwd and etc/shadow list. */
export interface AccountFacts {
  /** Names other than root with user id 0. */
  readonly superusers: readonly string[];
  /** Names that sign in without a password. */
  readonly passwordless: readonly string[];
}

const LIMIT = 1024 * 1024;
const MAX_NAMES = 20;

/** etc/passwd and etc/shadow (passwd(5), shadow(5)): kept where something is to be said of them. */
export const accountFiles: ContentReader = {
  id: 'accounts',
  version: 1,
  files: { names: ['passwd', 'shadow'] },
  wants: ({ path }) => (path === 'etc/passwd' || path === 'etc/shadow' ? { kind: 'whole', limit: LIMIT } : 'no'),
  read: ({ path }, bytes) => {
    const rows = bytes
      .toString('utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 7 && fields[0] !== '');
    const names = (test: (fields: readonly string[]) => boolean): string[] =>
      rows
        .filter(test)
        .map(([name]) => name as string)
        .slice(0, MAX_NAMES);
    const superusers = path === 'etc/passwd' ? names(([name, , id]) => id === '0' && name !== 'root') : [];
    const passwordless = names(([, password]) => password === '');
    return superusers.length + passwordless.length === 0 ? {} : { facts: { superusers, passwordless } };
  },
};

export function accountsOf(facts: Json | undefined): AccountFacts {
  const { superusers, passwordless } = (facts ?? {}) as Partial<AccountFacts>;
  return { superusers: superusers ?? [], passwordless: passwordless ?? [] };
}
