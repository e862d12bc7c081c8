import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy } from '../../inventory/index.ts';
import { type CheckedRow, gradedImage } from '../../inventory/store/index.ts';
import type { FleetTotals, Grade } from '../contract.ts';

/** Images that what is known of their updates tells nothing apart. */
interface Alike extends CheckedRow {
  readonly images: number;
  readonly outdated: number;
  readonly findings: number;
  readonly security: number;
  readonly held: number;
  readonly workloads: number;
}

/**
 * The fleet counted where it lies: images that are graded alike are one row, so that a scrape of metrics costs one pass
 * over the references and not a hundred thousand objects.
 */
export async function readTotals(
  reader: DatabaseReader,
  now: Date,
  policy: GradePolicy = DEFAULT_GRADE_POLICY,
): Promise<FleetTotals> {
  const [groups, unbuilt, advisories] = await Promise.all([
    alikeImages(reader),
    unknownImages(reader),
    advisoryCount(reader),
  ]);
  const sum = (of: (group: Alike) => number): number => groups.reduce((total, group) => total + of(group), 0);
  const grades: Record<Grade, number> = { A: 0, B: 0, C: 0, D: 0, E: 0, F: 0 };
  for (const group of groups) {
    const { grade } = gradedImage(group, now, policy);
    if (grade !== undefined) grades[grade] += group.images;
  }
  return {
    images: sum(({ images }) => images) + unbuilt.images,
    outdated: sum(({ outdated }) => outdated),
    findings: sum(({ findings }) => findings),
    security: sum(({ security }) => security),
    advisories,
    packages: sum(({ held }) => held),
    workloads: sum(({ workloads }) => workloads) + unbuilt.workloads,
    grades,
  };
}

/** The engine's own images that the inventory knows, once each, and every reference that is not the engine's. */
async function alikeImages(reader: DatabaseReader): Promise<readonly Alike[]> {
  const { rows } = await sql<Alike>`
    with member as (
      select image.id from fleet_image join image on image.digest = fleet_image.digest
      where exists (select from image_reference where image_reference.image = image.id and until is null)
      union all
      select image.id from image_reference join image on image.id = image_reference.image
      where until is null and not exists (select from fleet_image where fleet_image.digest = image.digest)
    ),
    -- Images share sets: what is told of one is looked up once.
    counted as (
      select package_set, scope, distribution, count(*) as images, sum(running.workloads) as workloads
      from member join image on image.id = member.id
      left join (select digest, count(distinct id) as workloads from workload_image group by digest) running
        on running.digest = image.digest
      group by package_set, scope, distribution
    )
    select counted.distribution, scope_check.status as scope_status, scope_check.reason,
      least(cardinality(versions), 1) as packages,
      case when exposure.checked >= cardinality(versions) then 1 when exposure.checked is not null then 0 end as checked,
      exposure.oldest_critical, exposure.oldest_important,
      sum(images)::float8 as images,
      coalesce(sum(images) filter (where exposure.findings > 0), 0)::float8 as outdated,
      coalesce(sum(images * exposure.findings), 0)::float8 as findings,
      coalesce(sum(images * exposure.security), 0)::float8 as security,
      sum(images * cardinality(versions))::float8 as held,
      coalesce(sum(workloads), 0)::float8 as workloads
    from counted
    join package_set on package_set.id = counted.package_set
    left join exposure on exposure.package_set = counted.package_set and exposure.scope = counted.scope
    left join scope_check on scope_check.scope = counted.scope
    group by 1, 2, 3, 4, 5, 6, 7`.execute(reader);
  return rows;
}

/** The engine's images that the inventory does not know: not built yet, or not scanned. */
async function unknownImages(reader: DatabaseReader): Promise<{ readonly images: number; readonly workloads: number }> {
  const { rows } = await sql<{ images: number; workloads: number }>`
    select count(*)::float8 as images, coalesce(sum((
      select count(distinct used.id) from workload_image used where used.digest = fleet_image.digest)), 0)::float8 as workloads
    from fleet_image
    where not exists (
      select from image join image_reference on image_reference.image = image.id and until is null
      where image.digest = fleet_image.digest)`.execute(reader);
  return rows[0] ?? { images: 0, workloads: 0 };
}

/** Distinct CVE ids of all that is outdated. */
async function advisoryCount(reader: DatabaseReader): Promise<number> {
  const { rows } = await sql<{ advisories: number }>`
    with named as materialized (
      select distinct package_set, scope
      from image_reference join image on image.id = image_reference.image where until is null
    ),
    versions as materialized (
      select distinct exposure.scope, version
      from exposure cross join lateral unnest(outdated) as version
      where findings > 0 and (exposure.package_set, exposure.scope) in (select package_set, scope from named)
    )
    select count(distinct advisory)::float8 as advisories
    from versions
    join package_check on package_check.scope = versions.scope and package_check.package_version = version
    cross join lateral unnest(advisories) as advisory
    where candidate is not null`.execute(reader);
  return rows[0]?.advisories ?? 0;
}
