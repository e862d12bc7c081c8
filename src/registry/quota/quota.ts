import { statfs } from 'node:fs/promises';
import { sql } from 'kysely';
import type { Database, DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import { registryError } from '../errors.ts';
import { matchesGlob } from '../retention/glob.ts';

export interface QuotaRule {
  /** Glob over repository names. Every rule that fits counts. */
  readonly repositories: string;
  /** Bytes of distinct blobs and manifests. */
  readonly bytes?: number;
  readonly tags?: number;
  /** Each repository for itself (default), or all that fit together: a namespace. */
  readonly per?: 'repository' | 'all';
}

export interface QuotaOptions {
  readonly database: Database;
  readonly rules: readonly QuotaRule[];
  /** Repositories that may exist. */
  readonly repositories?: number;
  /** Bytes of the disk that pushes leave free. */
  readonly reserve?: number;
  /** Bytes that are free; undefined where nobody can say. */
  readonly free?: () => Promise<number | undefined>;
}

/** What clients may put into a registry. The fleet's own builds are not asked. */
export interface RegistryQuota {
  /**
   * Before bytes are taken: is there room for as many as the client declares? Says no early; what counts is `check`.
   * @throws REGISTRY_QUOTA_EXCEEDED, REGISTRY_STORAGE_FULL
   */
  before(repository: string, declared: number): Promise<void>;
  /**
   * In the transaction that added a blob, a manifest or a tag: pushes to the same quota wait for each other from here to
   * their commit, so that together they stay within it.
   * @throws REGISTRY_QUOTA_EXCEEDED
   */
  check(trx: DatabaseTransaction, repository: string): Promise<void>;
}

/** `pg_advisory_xact_lock` class of quota locks; the second key is the rule. */
const QUOTA_LOCK = 4_372_041;

export function createQuota(options: QuotaOptions): RegistryQuota {
  const { database, rules, repositories, reserve, free } = options;
  const fitting = (repository: string) =>
    rules.map((rule, at) => ({ ...rule, at })).filter((rule) => matchesGlob(rule.repositories, repository));
  return {
    async before(repository, declared) {
      const left = reserve === undefined ? undefined : await free?.();
      if (left !== undefined && reserve !== undefined && left - declared < reserve) {
        throw registryError('REGISTRY_STORAGE_FULL', 'the registry has no room for this', {
          hint: 'Free disk space, or collect garbage: heraklit registry gc.',
        });
      }
      for (const rule of fitting(repository)) {
        if (rule.bytes === undefined) continue;
        const used = await usedBytes(database.kysely, rule, repository);
        if (used + declared > rule.bytes) throw exceeded(rule, repository, used);
      }
    },
    async check(trx, repository) {
      for (const rule of fitting(repository)) {
        await lockRule(trx, rule.at, rule.per === 'all' ? '' : repository);
        const used = rule.bytes === undefined ? 0 : await usedBytes(trx, rule, repository);
        if (rule.bytes !== undefined && used > rule.bytes) throw exceeded(rule, repository, used);
        if (rule.tags !== undefined) await checkTags(trx, rule, rule.tags, repository);
      }
      if (repositories !== undefined) await checkRepositories(trx, repositories);
    },
  };
}

/** Bytes free on the file system of a folder, looked at no more than once a second. */
export function freeBytesOf(directory: string): () => Promise<number> {
  let known = 0;
  let looked = 0;
  return async () => {
    if (performance.now() - looked < 1_000 && looked > 0) return known;
    const { bavail, bsize } = await statfs(directory);
    known = bavail * bsize;
    looked = performance.now();
    return known;
  };
}

const lockRule = (trx: DatabaseTransaction, rule: number, name: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(${QUOTA_LOCK}, hashtext(${`${rule} ${name}`}))`.execute(trx);

async function usedBytes(reader: DatabaseReader, rule: QuotaRule, repository: string): Promise<number> {
  // A glob as a regular expression would do, but only for names without its own special characters: names are listed.
  const names = rule.per === 'all' ? await namesFitting(reader, rule.repositories) : [repository];
  const { rows } = await sql<{ bytes: number }>`
    with mine as (select id from registry_repository where name = any(${sql.val(names)}::text[]))
    select coalesce(sum(size), 0)::bigint as bytes from (
      select digest, max(size) as size from (
        select digest, size from registry_blob where repository in (select id from mine)
        union all select digest, size from registry_manifest where repository in (select id from mine)
      ) each group by digest
    ) one`.execute(reader);
  return rows[0]?.bytes ?? 0;
}

async function namesFitting(reader: DatabaseReader, glob: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from registry_repository`.execute(reader);
  return rows.map(({ name }) => name).filter((name) => matchesGlob(glob, name));
}

async function checkTags(trx: DatabaseTransaction, rule: QuotaRule, limit: number, repository: string): Promise<void> {
  const names = rule.per === 'all' ? await namesFitting(trx, rule.repositories) : [repository];
  const { rows } = await sql<{ count: number }>`select count(*)::integer as count
    from registry_tag t join registry_repository r on r.id = t.repository
    where r.name = any(${sql.val(names)}::text[])`.execute(trx);
  if ((rows[0]?.count ?? 0) <= limit) return;
  throw registryError('REGISTRY_QUOTA_EXCEEDED', `${repository} may have ${limit} tags, and has them`, {
    details: { repository, tags: limit },
  });
}

async function checkRepositories(trx: DatabaseTransaction, limit: number): Promise<void> {
  await lockRule(trx, -1, '');
  const { rows } = await sql<{ count: number }>`select count(*)::integer as count from registry_repository r
    where exists (select from registry_manifest m where m.repository = r.id)
      or exists (select from registry_blob b where b.repository = r.id)`.execute(trx);
  if ((rows[0]?.count ?? 0) <= limit) return;
  throw registryError('REGISTRY_QUOTA_EXCEEDED', `this registry may have ${limit} repositories, and has them`, {
    details: { repositories: limit },
  });
}

function exceeded(rule: QuotaRule, repository: string, used: number): Error {
  const whose = rule.per === 'all' ? `all of ${rule.repositories} together` : repository;
  return registryError('REGISTRY_QUOTA_EXCEEDED', `${whose} may use ${rule.bytes} bytes`, {
    hint: 'Delete images there and collect garbage, or ask for a larger quota.',
    details: { repository, quota: rule.bytes, used },
  });
}
