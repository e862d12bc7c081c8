import { type Clock, systemClock } from '../../base/index.ts';
import { clusterStatuses } from '../../crawl/index.ts';
import type { Database } from '../../database/index.ts';
import type { ImageContents } from '../../inventory/index.ts';
import type { Digest } from '../../oci/index.ts';
import { httpError } from '../errors.ts';
import type { FleetQueries } from '../queries.ts';
import { readBase } from './base.ts';
import { readExplanation } from './explain.ts';
import { readOutdated } from './findings.ts';
import { readFleet } from './fleet.ts';
import type { Grading } from './grading.ts';
import { diffOf, layersOf } from './inspected.ts';
import { namedImage } from './known-image.ts';
import { readPlan } from './plan.ts';
import {
  readChanges,
  readHistory,
  readMoved,
  readWhere,
  readWhereAdvisory,
  readWhereDigest,
  readWhereFile,
} from './search.ts';
import { readSources } from './sources.ts';
import { readTotals } from './totals.ts';
import { readWorkloads } from './workloads.ts';

export interface DatabaseQueriesOptions {
  readonly database: Database;
  /** Reads an image from the blob store, for what the database does not keep (layers, files). */
  inspect(digest: Digest): Promise<ImageContents>;
  readonly clock?: Clock;
  readonly grading?: Grading;
}

/** The port answered from a home's database and blob store. Only reads. */
export function databaseQueries(options: DatabaseQueriesOptions): FleetQueries {
  const { database, inspect, clock = systemClock, grading } = options;
  const reader = database.kysely;
  const now = (): Date => new Date(clock.now());
  const contentsOf = async (wanted: string): Promise<{ reference: string; contents: ImageContents }> => {
    const { reference, digest } = await namedImage(reader, wanted);
    if (digest === undefined) throw httpError('HTTP_NOT_FOUND', `${wanted} is not built yet`);
    return { reference, contents: await inspect(digest as Digest) };
  };
  return {
    fleet: () => readFleet(reader, now(), grading?.policy),
    totals: () => readTotals(reader, now(), grading?.policy),
    outdated: (query = {}) => readOutdated(reader, query, now()),
    plan: () => readPlan(reader),
    where: (query) => readWhere(reader, query, now()),
    whereFile: (query) => readWhereFile(reader, query),
    whereDigest: (query) => readWhereDigest(reader, query),
    whereAdvisory: (query) => readWhereAdvisory(reader, query),
    history: (query) => readHistory(reader, query),
    changes: (query) => readChanges(reader, query),
    moved: (query) => readMoved(reader, query),
    explain: (query) => readExplanation(reader, query),
    base: (image) => readBase(reader, image),
    async layers(image) {
      const { reference, contents } = await contentsOf(image);
      return layersOf(reference, contents);
    },
    async diff(from, to) {
      const [before, after] = await Promise.all([contentsOf(from), contentsOf(to)]);
      return diffOf(before.reference, before.contents, after.reference, after.contents);
    },
    sources: () => readSources(reader, now()),
    workloads: async () => ({
      workloads: await readWorkloads(reader, now(), grading),
      clusters: await clusterStatuses(reader),
    }),
  };
}
