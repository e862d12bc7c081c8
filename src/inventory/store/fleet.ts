import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy } from '../grade-policy.ts';
import { globToLike } from '../image-glob.ts';
import { type CheckedRow, type GradedImage, gradedImage } from './graded-image.ts';

export interface FleetQuery {
  readonly imageGlob?: string;
  readonly distribution?: string;
  /** Only these images. */
  readonly digests?: readonly string[];
  readonly limit?: number;
  readonly after?: string;
  /** What grades are a function of besides the findings. */
  readonly now: Date;
  readonly policy?: GradePolicy;
}

export interface FleetRow extends GradedImage {
  readonly reference: string;
  readonly digest: string;
  readonly distribution: string;
  readonly architecture: string;
  readonly packages: number;
  readonly findings: number;
  readonly security: number;
  readonly base: string | undefined;
  readonly baseReference: string | undefined;
  readonly layers: number;
  readonly bytes: number;
  readonly wastedBytes: number;
  /** Running things that use the image. */
  readonly workloads: number;
  /** ISO 8601: since when the reference means this image. */
  readonly since: string;
}

interface Row extends CheckedRow {
  reference: string;
  digest: string;
  architecture: string;
  findings: number | null;
  security: number | null;
  base_digest: string | null;
  base_reference: string | null;
  layers: number;
  bytes: number;
  wasted_bytes: number;
  workloads: number;
  since: Date;
}

/** Every reference that names an image now, by name. @throws INVENTORY_CURSOR_INVALID */
export async function fleet(reader: DatabaseReader, query: FleetQuery): Promise<Page<FleetRow>> {
  const limit = pageSize(query.limit);
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  const { rows } = await sql<Row>`
    select reference, image.digest, image.distribution, architecture, scope_check.status as scope_status,
      scope_check.reason, cardinality(package_set.versions) as packages, exposure.checked, findings, security,
      oldest_critical, oldest_important, base_digest,
      (select min(named.reference) from image base join image_reference named on named.image = base.id
        and named.until is null where base.digest = image.base_digest) as base_reference,
      (select count(distinct used.id)::integer from workload_image used where used.digest = image.digest) as workloads,
      cardinality(layers) as layers, bytes, wasted_bytes, image_reference.since
    from image_reference
    join image on image.id = image_reference.image
    join package_set on package_set.id = image.package_set
    left join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    left join scope_check on scope_check.scope = image.scope
    where until is null and reference > ${after}
      ${query.imageGlob === undefined ? sql`` : sql`and reference like ${globToLike(query.imageGlob)}`}
      ${query.digests === undefined ? sql`` : sql`and image.digest = any(${query.digests}::text[])`}
      ${query.distribution === undefined ? sql`` : sql`and image.distribution = ${query.distribution}`}
    order by reference limit ${limit + 1}`.execute(reader);
  const page = toPage(rows, limit, (row) => [row.reference]);
  return {
    next: page.next,
    rows: page.rows.map((row) => toFleetRow(row, query.now, query.policy ?? DEFAULT_GRADE_POLICY)),
  };
}

function toFleetRow(row: Row, now: Date, policy: GradePolicy): FleetRow {
  return {
    reference: row.reference,
    digest: row.digest,
    distribution: row.distribution,
    architecture: row.architecture,
    ...gradedImage(row, now, policy),
    packages: row.packages,
    findings: row.findings ?? 0,
    security: row.security ?? 0,
    base: row.base_digest ?? undefined,
    baseReference: row.base_reference ?? undefined,
    layers: row.layers,
    bytes: row.bytes,
    wastedBytes: row.wasted_bytes,
    workloads: row.workloads,
    since: row.since.toISOString(),
  };
}
