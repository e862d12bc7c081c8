import type { Accounts, Audit } from '../../http/index.ts';
import { renderTable } from './table.ts';

const day = (time: string | null): string => time?.slice(0, 10) ?? '-';

/** One line for each account, then the grants that belong to none. */
export function renderAccounts({ accounts, otherGrants }: Accounts): string {
  const grants = (all: Accounts['otherGrants']): string => all.map(({ role, on }) => `${role} ${on}`).join(', ');
  const others = [...new Set(otherGrants.map(({ to }) => to))].map((to) => ({
    name: to,
    kind: to === 'anonymous' ? 'everybody' : to.startsWith('group:') ? 'group' : 'no account',
    expires: null,
    lastUsed: null,
    secrets: [],
    grants: otherGrants.filter((one) => one.to === to),
  }));
  return renderTable(
    [...accounts, ...others],
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'EXPIRES', value: ({ expires }) => day(expires) },
      { title: 'LAST USED', value: ({ lastUsed }) => day(lastUsed) },
      { title: 'SECRETS', value: ({ secrets }) => secrets.map(({ id }) => `${id}`).join(',') || '-' },
      { title: 'GRANTS', value: (row) => grants(row.grants) || '-' },
    ],
  );
}

export function renderAudit({ entries }: Audit): string {
  return renderTable(entries, [
    { title: 'TIME', value: ({ at }) => `${at.slice(0, 19)}Z` },
    { title: 'WHO', value: ({ actor }) => actor },
    { title: 'FROM', value: ({ address }) => address ?? '-' },
    { title: 'WHAT', value: ({ action }) => action },
    { title: 'RESULT', value: ({ result }) => result },
    {
      title: 'ON',
      value: ({ repository, reference, digest, detail }) => {
        const name =
          repository === null ? (reference ?? '') : `${repository}${reference === null ? '' : `:${reference}`}`;
        return [name, digest?.slice(0, 19), detail].filter((part) => part !== null && part !== '').join(' ');
      },
    },
  ]);
}
