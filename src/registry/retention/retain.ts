import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { type Progress, silentProgress } from '../../base/index.ts';
import { type Database, type DatabaseTransaction, unnest } from '../../database/index.ts';
import { emit, type NewEvent } from '../../events/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { COLLECT_LOCK } from '../catalogue/publish.ts';
import { fillInNames } from '../maintenance/names.ts';
import type { NeededImages } from '../maintenance/needed.ts';
import { decideRetention, type RepositoryDecision } from './decide.ts';
import { loadNeeds, loadRepository, type RunningReferences, repositoryNames } from './load.ts';
import { type RetentionRule, ruleFor } from './rules.ts';

/** Tags or manifests removed in one transaction; publishers wait for it. */
const PAGE = 200;

export interface RetainOptions {
  readonly database: Database;
  readonly store: BlobStore;
  readonly rules: readonly RetentionRule[];
  readonly needed: NeededImages;
  readonly running: RunningReferences;
  readonly dryRun?: boolean;
  /** Told what was decided of each repository that a rule fits. */
  readonly decided?: (decision: RepositoryDecision) => void | Promise<void>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface RetainReport {
  readonly dryRun: boolean;
  readonly milliseconds: number;
  /** That a rule fits. */
  readonly repositories: number;
  readonly kept: number;
  readonly removed: { readonly tags: number; readonly manifests: number };
}

/**
 * Removes tags and manifests that the rules do not keep. Bytes go with the next collection. What was pushed or moved
 * after it was looked at stays; each removal leaves an event in its own transaction.
 */
export async function applyRetention(options: RetainOptions): Promise<RetainReport> {
  const { database, store, rules, dryRun = false, progress = silentProgress, signal } = options;
  const began = Date.now();
  const run = randomUUID();
  // Children of indexes are known by name: without them an image's platforms would look like nobody's.
  await fillInNames(database, store, signal);
  const needs = await loadNeeds(database, options.needed, options.running);
  const { rows } = await sql<{ now: number }>`select (extract(epoch from now()) * 1000)::float8 as now`.execute(
    database.kysely,
  );
  const now = rows[0]?.now ?? began;
  let [repositories, kept, tags, manifests] = [0, 0, 0, 0];
  for await (const { id, name } of repositoryNames(database)) {
    signal?.throwIfAborted();
    const rule = ruleFor(rules, name);
    if (rule === undefined) continue;
    const facts = await loadRepository(database, id, name);
    const decision = decideRetention(facts, rule, needs, now);
    await options.decided?.(decision);
    const gone = decision.tags.filter(({ keep }) => !keep);
    repositories += 1;
    kept += decision.tags.length - gone.length;
    if (dryRun) {
      tags += gone.length;
      manifests += decision.manifests.length;
    } else {
      const removed = await removeAll(database, run, id, decision);
      tags += removed.tags;
      manifests += removed.manifests;
    }
    progress.update('retention', repositories, 0, name);
  }
  return { dryRun, milliseconds: Date.now() - began, repositories, kept, removed: { tags, manifests } };
}

async function removeAll(
  database: Database,
  run: string,
  repository: number,
  decision: RepositoryDecision,
): Promise<{ readonly tags: number; readonly manifests: number }> {
  let [tags, manifests] = [0, 0];
  const gone = decision.tags.filter(({ keep }) => !keep);
  for (let at = 0; at < gone.length; at += PAGE) {
    const page = gone.slice(at, at + PAGE);
    tags += await database.transaction((trx) => removeTags(trx, run, repository, decision.repository, page));
  }
  for (let at = 0; at < decision.manifests.length; at += PAGE) {
    const page = decision.manifests.slice(at, at + PAGE);
    manifests += await database.transaction((trx) => removeManifests(trx, run, repository, decision.repository, page));
  }
  return { tags, manifests };
}

/** A tag that moved, or was pushed again, since it was looked at stays. */
async function removeTags(
  trx: DatabaseTransaction,
  run: string,
  repository: number,
  name: string,
  tags: RepositoryDecision['tags'],
): Promise<number> {
  await sql`select pg_advisory_xact_lock(${COLLECT_LOCK})`.execute(trx);
  const { rows } = await sql<{ name: string; digest: string }>`delete from registry_tag t
    using ${unnest(tags, { name: 'text', digest: 'text', updated: 'double precision' })} as seen (name, digest, updated)
    where t.repository = ${repository} and t.name = seen.name and t.digest = seen.digest
      and (extract(epoch from t.updated) * 1000)::float8 <= seen.updated returning t.name, t.digest`.execute(trx);
  const why = new Map(tags.map((tag) => [tag.name, tag.reasons.join('; ')]));
  await emit(
    trx,
    rows.map(
      (row): NewEvent => ({
        type: 'io.heraklit.registry.tag.removed',
        subject: `${name}:${row.name}`,
        key: `${run}\n${name}:${row.name}`,
        data: { repository: name, tag: row.name, digest: row.digest, reason: why.get(row.name) },
      }),
    ),
  );
  return rows.length;
}

/** One that got a tag, was pushed again, or is named by an index that came since stays. */
async function removeManifests(
  trx: DatabaseTransaction,
  run: string,
  repository: number,
  name: string,
  manifests: RepositoryDecision['manifests'],
): Promise<number> {
  await sql`select pg_advisory_xact_lock(${COLLECT_LOCK})`.execute(trx);
  const { rows } = await sql<{ digest: string }>`delete from registry_manifest m
    using ${unnest(manifests, { digest: 'text', pushed: 'double precision' })} as seen (digest, pushed)
    where m.repository = ${repository} and m.digest = seen.digest
      and (extract(epoch from m.pushed) * 1000)::float8 <= seen.pushed
      and not exists (select from registry_tag t where t.repository = m.repository and t.digest = m.digest)
      and not exists (select from registry_manifest o where o.repository = m.repository and o.pushed > now() - interval
        '1 hour' and o.digest <> all(${sql.val(manifests.map(({ digest }) => digest))}::text[])
        and (m.digest = any(o.names) or o.subject = m.digest))
    returning m.digest`.execute(trx);
  const why = new Map<string, string>(manifests.map(({ digest, reason }) => [digest, reason]));
  await emit(
    trx,
    rows.map(
      ({ digest }): NewEvent => ({
        type: 'io.heraklit.registry.manifest.removed',
        subject: `${name}@${digest}`,
        key: `${run}\n${name}@${digest}`,
        data: { repository: name, digest, reason: why.get(digest) },
      }),
    ),
  );
  return rows.length;
}
