import { sql } from 'kysely';
import { type DatabaseReader, plannedOnce, unnest } from '../../database/index.ts';

/** What is written down of one deed. */
export interface AuditEntry {
  /** Account name, `anonymous`, `owner`. */
  readonly actor: string;
  /** `manifest.push`, `tag.delete`, `account.add`, `sign-in`, … */
  readonly action: string;
  readonly repository?: string | undefined;
  /** Tag of a manifest, or what an account's change is about. */
  readonly reference?: string | undefined;
  readonly digest?: string | undefined;
  readonly address?: string | undefined;
  readonly result: 'done' | 'denied' | 'failed';
  /** Why, in words; no secrets. */
  readonly detail?: string | undefined;
}

export interface AuditRecord extends AuditEntry {
  /** Position in the log; grows. */
  readonly id: number;
  /** RFC 3339. */
  readonly at: string;
}

export interface AuditQuery {
  readonly actor?: string | undefined;
  readonly repository?: string | undefined;
  readonly action?: string | undefined;
  /** Entries older than this one: pages go back in time. */
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditRecord[];
  /** `before` of the next page; undefined at the end. */
  readonly next: number | undefined;
}

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;
/** Characters of a text column: what clients send is cut, not refused. */
const MAX_TEXT = 512;

const cut = (text: string | undefined): string | null => text?.replaceAll('\0', '').slice(0, MAX_TEXT) ?? null;

/** With a transaction the entries commit with what they tell of. */
export async function writeAudit(writer: DatabaseReader, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map((entry) => ({
    actor: cut(entry.actor) ?? '',
    action: entry.action,
    repository: cut(entry.repository),
    reference: cut(entry.reference),
    digest: cut(entry.digest),
    address: cut(entry.address),
    result: entry.result,
    detail: cut(entry.detail),
  }));
  const columns = {
    actor: 'text',
    action: 'text',
    repository: 'text',
    reference: 'text',
    digest: 'text',
    address: 'text',
    result: 'text',
    detail: 'text',
  } as const;
  await sql`${plannedOnce} insert into access_audit (actor, action, repository, reference, digest, address, result, detail)
    select * from ${unnest(rows, columns)}`.execute(writer);
}

export async function readAudit(reader: DatabaseReader, query: AuditQuery): Promise<AuditPage> {
  const limit = Math.min(MAX_PAGE, Math.max(1, query.limit ?? DEFAULT_PAGE));
  let select = reader
    .selectFrom('access_audit')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (query.before !== undefined) select = select.where('id', '<', query.before);
  if (query.actor !== undefined) select = select.where('actor', '=', query.actor);
  if (query.repository !== undefined) select = select.where('repository', '=', query.repository);
  if (query.action !== undefined) select = select.where('action', '=', query.action);
  const rows = await select.execute();
  const entries = rows.slice(0, limit).map((row) => ({
    id: row.id,
    at: row.at.toISOString(),
    actor: row.actor,
    action: row.action,
    repository: row.repository ?? undefined,
    reference: row.reference ?? undefined,
    digest: row.digest ?? undefined,
    address: row.address ?? undefined,
    result: row.result as AuditEntry['result'],
    detail: row.detail ?? undefined,
  }));
  return { entries, next: rows.length > limit ? entries.at(-1)?.id : undefined };
}

/** Removes what is older than `days`; 0 keeps everything. */
export async function forgetAudit(writer: DatabaseReader, days: number, now: number): Promise<void> {
  if (days <= 0) return;
  await writer
    .deleteFrom('access_audit')
    .where('at', '<', new Date(now - days * 86_400_000))
    .execute();
}
