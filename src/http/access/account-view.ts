import type { AccessAdmin, AuditPage } from '../../access/index.ts';
import type { Accounts, Audit } from '../access-contract.ts';

/** Accounts as the API shows them. */
export async function accountsView(admin: AccessAdmin): Promise<Accounts> {
  const { accounts, otherGrants } = await admin.list();
  return {
    accounts: accounts.map((one) => ({ ...withTimes(one), secrets: one.secrets.map(withTimes) })),
    otherGrants,
  };
}

/** A page of the audit log as the API shows it. */
export function auditView({ entries, next }: AuditPage): Audit {
  return {
    entries: entries.map(({ repository, reference, digest, address, detail, ...entry }) => ({
      ...entry,
      repository: repository ?? null,
      reference: reference ?? null,
      digest: digest ?? null,
      address: address ?? null,
      detail: detail ?? null,
    })),
    next: next ?? null,
  };
}

const iso = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString();

interface Times {
  readonly created: number;
  readonly expires: number | undefined;
  readonly lastUsed: number | undefined;
}

function withTimes<Row extends Times>(
  row: Row,
): Omit<Row, keyof Times> & {
  readonly created: string;
  readonly expires: string | null;
  readonly lastUsed: string | null;
} {
  return { ...row, created: iso(row.created) ?? '', expires: iso(row.expires), lastUsed: iso(row.lastUsed) };
}
