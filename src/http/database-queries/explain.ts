import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { changesOfImages } from '../../inventory/store/index.ts';
import type { Explanation, Strategy, TaskStatus } from '../contract.ts';
import { httpError } from '../errors.ts';
import type { HistoryQuery } from '../queries.ts';
import { signaturesOf, testsOf, workloadsOf } from './proof.ts';
import { toChange } from './search.ts';

interface TaskRow {
  readonly run: string;
  readonly image: string;
  readonly started: Date;
  readonly status: TaskStatus;
  readonly reason: string;
  readonly strategy: Strategy;
  readonly because: string;
  readonly alternatives: string | null;
  readonly digest: string | null;
  readonly previous: string | null;
  readonly base_digest: string | null;
  readonly previous_base: string | null;
  readonly error: string | null;
  readonly repository: string;
  readonly tag: string;
}

type Build = Explanation['builds'][number];

const DEFAULT_LIMIT = 20;

/**
 * What was made of an image, why and how, from the plan's tasks and the updates that were announced for what was
 * replaced. Newest first. @throws HTTP_NOT_FOUND
 */
export async function readExplanation(reader: DatabaseReader, query: HistoryQuery): Promise<Explanation> {
  const { image: wanted, limit = DEFAULT_LIMIT, after } = query;
  const name = await taskName(reader, wanted);
  const [before, beforeRun] = cursorOf(after);
  const { rows } = await sql<TaskRow>`
    select task.*, run.started from task join run on run.id = task.run
    where task.image = ${name}
      ${before === undefined ? sql`` : sql`and (started, run.id) < (${before}::timestamptz, ${beforeRun}::text)`}
    order by started desc, run.id desc limit ${limit + 1}`.execute(reader);
  const page = rows.slice(0, limit);
  const digests = page.flatMap((task) => task.digest ?? []);
  const [changes, announced, tested, signed, runs] = await Promise.all([
    changesOfImages(
      reader,
      page.map((task) => [task.previous ?? undefined, task.digest ?? undefined]),
    ),
    announcedUpdates(reader, name),
    testsOf(reader, name),
    signaturesOf(reader, page[0]?.repository ?? '', digests),
    workloadsOf(reader, digests),
  ]);
  const last = page.at(-1);
  return {
    image: name,
    reference: page[0] === undefined ? null : `${page[0].repository}:${page[0].tag}`,
    builds: page.map((task, at) => {
      const outdated = announced.get(task.previous ?? '');
      return {
        run: task.run,
        at: task.started.toISOString(),
        status: task.status,
        reason: task.reason,
        strategy: task.strategy,
        because: task.because,
        alternatives: JSON.parse(task.alternatives ?? '[]') as Build['alternatives'],
        tested: tested.get(task.digest ?? '') ?? null,
        signed: signed.get(task.digest ?? '') ?? [],
        runs: runs.get(task.digest ?? '') ?? [],
        digest: task.digest,
        previous: task.previous,
        base: { from: task.previous_base, to: task.base_digest },
        changes: changes[at]?.map(toChange) ?? null,
        missing: outdated?.packages ?? [],
        advisories: outdated?.advisories ?? [],
        error: task.error,
      };
    }),
    next: rows.length > limit && last !== undefined ? `${last.started.toISOString()} ${last.run}` : null,
  };
}

function cursorOf(after: string | undefined): readonly [Date | undefined, string] {
  if (after === undefined) return [undefined, ''];
  const [time = '', run] = after.split(' ');
  const date = new Date(time);
  if (run !== undefined && !Number.isNaN(date.getTime())) return [date, run];
  throw httpError('HTTP_REQUEST_INVALID', `not a cursor of this query: ${JSON.stringify(after.slice(0, 80))}`);
}

/** The name in its fleet, of an image that was ever planned. */
async function taskName(reader: DatabaseReader, wanted: string): Promise<string> {
  const { rows } = await sql<{ image: string }>`
    select image from task
    where image = ${wanted} or digest = ${wanted} or previous = ${wanted}
      or repository || ':' || tag = ${wanted} or right(${wanted}, length(repository) + length(tag) + 2) = '/' || repository || ':' || tag
    order by updated desc limit 1`.execute(reader);
  const found = rows[0];
  if (found !== undefined) return found.image;
  throw httpError('HTTP_NOT_FOUND', `nothing was ever planned for an image ${wanted}`, {
    hint: 'Name it by its name in the fleet, its reference, or a digest it had. `heraklit history` tells of others.',
  });
}

interface Announced {
  readonly packages: readonly { readonly package: string; readonly installed: string; readonly candidate: string }[];
  readonly advisories: readonly string[];
}

/** The last announcement of what each digest of the image missed. */
async function announcedUpdates(reader: DatabaseReader, image: string): Promise<ReadonlyMap<string, Announced>> {
  const { rows } = await sql<{ data: string }>`
    select data from outbox where subject = ${image} and type = 'io.heraklit.image.outdated'
    order by sequence`.execute(reader);
  return new Map(
    rows.map(({ data }) => {
      const { digest, packages, advisories } = JSON.parse(data) as Announced & { readonly digest: string };
      const missing = packages.map((one) => ({
        package: one.package,
        installed: one.installed,
        candidate: one.candidate,
      }));
      return [digest, { packages: missing, advisories }];
    }),
  );
}
