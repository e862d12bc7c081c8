import type { DatabaseReader } from '../../database/index.ts';
import {
  type FileWanted,
  filesUnread,
  fleetChanges,
  historyWithChanges,
  movedReferences,
  type PackageChange,
  whereAdvisory,
  whereDigest,
  whereFile,
  whereIs,
} from '../../inventory/store/index.ts';
import type {
  PackageChange as ContractChange,
  FleetChanges,
  History,
  MovedReferences,
  Where,
  WhereAdvisory,
  WhereDigest,
  WhereFile,
} from '../contract.ts';
import { httpError } from '../errors.ts';
import type {
  ChangesQuery,
  HistoryQuery,
  PageQuery,
  WhereAdvisoryQuery,
  WhereDigestQuery,
  WhereFileQuery,
  WhereQuery,
} from '../queries.ts';
import { knownReference } from './known-image.ts';

const DEFAULT_LIMIT = 1_000;

/** The parts of a query that the inventory's readers share. */
function pageOf({ limit, after, image }: PageQuery & { readonly image?: string }) {
  return {
    limit: limit ?? DEFAULT_LIMIT,
    ...(after === undefined ? {} : { after }),
    ...(image === undefined ? {} : { imageGlob: image }),
  };
}

const orNull = <T>(value: T | undefined): T | null => value ?? null;

/** Images that have a package, with the workloads that run them. */
export async function readWhere(reader: DatabaseReader, query: WhereQuery, now: Date): Promise<Where> {
  const { rows, next } = await whereIs(reader, {
    package: query.package,
    now,
    ...(query.version === undefined ? {} : { versionRange: query.version }),
    ...(query.type === undefined ? {} : { type: query.type }),
    ...(query.usage === undefined ? {} : { usage: query.usage }),
    ...pageOf(query),
  });
  return {
    package: query.package,
    places: rows.map((row) => ({ ...row, reference: row.reference ?? row.digest, layer: orNull(row.layer) })),
    next: orNull(next),
  };
}

/** @throws HTTP_REQUEST_INVALID */
export async function readWhereFile(reader: DatabaseReader, query: WhereFileQuery): Promise<WhereFile> {
  const [page, unread] = await Promise.all([
    whereFile(reader, { file: wantedFile(query), ...pageOf(query) }),
    filesUnread(reader),
  ]);
  return {
    places: page.rows.map((row) => ({ ...row, reference: row.reference ?? row.digest })),
    next: orNull(page.next),
    unread,
  };
}

function wantedFile({ path, soname, sha256 }: WhereFileQuery): FileWanted {
  const wanted: FileWanted[] = [
    ...(path === undefined ? [] : [{ kind: 'path' as const, path }]),
    ...(soname === undefined ? [] : [{ kind: 'soname' as const, soname }]),
    ...(sha256 === undefined ? [] : [{ kind: 'content' as const, sha256 }]),
  ];
  if (wanted.length !== 1) throw httpError('HTTP_REQUEST_INVALID', 'name one of path, soname and sha256');
  return wanted[0] as FileWanted;
}

export async function readWhereDigest(reader: DatabaseReader, query: WhereDigestQuery): Promise<WhereDigest> {
  const { rows, next } = await whereDigest(reader, { digest: query.digest, ...pageOf(query) });
  return {
    places: rows.map((row) => ({ ...row, reference: row.reference ?? row.digest, path: orNull(row.path) })),
    next: orNull(next),
  };
}

export async function readWhereAdvisory(reader: DatabaseReader, query: WhereAdvisoryQuery): Promise<WhereAdvisory> {
  const { advisory, state } = query;
  const { rows, next } = await whereAdvisory(reader, {
    advisory,
    ...(state === undefined ? {} : { state }),
    ...pageOf(query),
  });
  return {
    advisory,
    places: rows.map((row) => ({
      ...row,
      reference: row.reference ?? row.digest,
      layer: orNull(row.layer),
      fixedIn: orNull(row.fixedIn),
    })),
    next: orNull(next),
  };
}

export const toChange = (change: PackageChange): ContractChange => ({
  ...change,
  from: orNull(change.from),
  to: orNull(change.to),
});

/** @throws HTTP_NOT_FOUND */
export async function readHistory(reader: DatabaseReader, { image, ...page }: HistoryQuery): Promise<History> {
  const reference = await knownReference(reader, image);
  const { rows, next } = await historyWithChanges(reader, { reference, ...pageOf(page) });
  return {
    reference,
    images: rows.map((row) => ({
      digest: row.digest,
      since: row.since,
      until: orNull(row.until),
      created: orNull(row.created),
      base: orNull(row.base),
      changes: row.changes === undefined ? null : row.changes.map(toChange),
    })),
    next: orNull(next),
  };
}

/** @throws HTTP_REQUEST_INVALID */
export async function readChanges(reader: DatabaseReader, query: ChangesQuery): Promise<FleetChanges> {
  const span = spanOf(query);
  const { rows, references, next } = await fleetChanges(reader, { ...span, ...pageOf(query) });
  return {
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    references,
    packages: rows.map((row) => ({ ...row, ...toChange(row) })),
    next: orNull(next),
  };
}

/** @throws HTTP_REQUEST_INVALID */
export async function readMoved(reader: DatabaseReader, query: ChangesQuery): Promise<MovedReferences> {
  const { rows, next } = await movedReferences(reader, { ...spanOf(query), ...pageOf(query) });
  return {
    references: rows.map((row) => ({ reference: row.reference, from: orNull(row.from), to: orNull(row.to) })),
    next: orNull(next),
  };
}

function spanOf({ from, to }: ChangesQuery): { readonly from: Date; readonly to: Date } {
  const span = { from: new Date(from), to: new Date(to) };
  if (!(span.from.getTime() <= span.to.getTime())) {
    throw httpError('HTTP_REQUEST_INVALID', `not a span of time: ${from} to ${to}`, {
      hint: 'The earlier time first.',
    });
  }
  return span;
}
