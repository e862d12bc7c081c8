import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import type { GradePolicy } from '../../inventory/index.ts';
import type { Fleet, FleetImage, Strategy } from '../contract.ts';
import { type KnownImage, knownImages } from './known-images.ts';
import { readTotals } from './totals.ts';

const orNull = <T>(value: T | undefined): T | null => value ?? null;

/** Distinct CVE ids of each digest: counted once a package set and scope, which images share. */
async function advisoriesOf(reader: DatabaseReader): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ digest: string; advisories: number | string }>`
    with named as materialized (
      select distinct image.digest, package_set, scope
      from image_reference join image on image.id = image_reference.image where until is null
    ),
    found as materialized (
      select distinct exposure.package_set, exposure.scope, advisory
      from exposure
      cross join lateral unnest(outdated) as version
      join package_check on package_check.scope = exposure.scope and package_check.package_version = version
      cross join lateral unnest(advisories) as advisory
      where findings > 0 and candidate is not null
        and (exposure.package_set, exposure.scope) in (select package_set, scope from named)
    ),
    counted as (select package_set, scope, count(*) as advisories from found group by 1, 2)
    select digest, advisories from named join counted using (package_set, scope)`.execute(reader);
  return new Map(rows.map(({ digest, advisories }) => [digest, Number(advisories)]));
}

async function workloadsByDigest(reader: DatabaseReader): Promise<ReadonlyMap<string, number>> {
  const rows = await reader
    .selectFrom('workload_image')
    .select(({ fn }) => ['digest', fn.count<number | string>('id').distinct().as('count')])
    .groupBy('digest')
    .execute();
  return new Map(rows.map(({ digest, count }) => [digest, Number(count)]));
}

function statusOf({ digest, quarantined }: KnownImage): FleetImage['status'] {
  if (digest === undefined) return 'unbuilt';
  return quarantined ? 'quarantined' : 'released';
}

function unsupportedOf({ digest, inventory }: KnownImage): string | null {
  if (inventory === undefined) return digest === undefined ? 'not built yet' : 'not scanned yet';
  if (inventory.status === 'checked') return null;
  return inventory.status === 'unchecked' ? 'not checked yet' : inventory.reason;
}

/** Name of what each image stands on, by the base digest that the inventory found. */
function basesOf(images: readonly KnownImage[]): ReadonlyMap<string, string> {
  const byDigest = new Map(images.map(({ digest, name }) => [digest, name]));
  const byReference = new Map(images.map(({ inventory, name }) => [inventory?.reference, name]));
  const bases = new Map<string, string>();
  for (const { name, inventory } of images) {
    if (inventory?.base === undefined) continue;
    const base = byDigest.get(inventory.base) ?? byReference.get(inventory.baseReference ?? '');
    if (base !== undefined && base !== name) bases.set(name, base);
  }
  return bases;
}

function levelOf(name: string, bases: ReadonlyMap<string, string>): number {
  const seen = new Set([name]);
  for (let base = bases.get(name); base !== undefined && !seen.has(base); base = bases.get(base)) seen.add(base);
  return seen.size - 1;
}

export async function readFleet(reader: DatabaseReader, now: Date, policy?: GradePolicy): Promise<Fleet> {
  const [known, advisories, workloads, totals] = await Promise.all([
    knownImages(reader, now, policy),
    advisoriesOf(reader),
    workloadsByDigest(reader),
    readTotals(reader, now, policy),
  ]);
  const bases = basesOf(known);
  const images = known.map((image): FleetImage => {
    const { name, reference, digest, strategy, released, inventory } = image;
    const distribution = inventory?.distribution;
    return {
      name,
      reference,
      digest: orNull(digest),
      distribution: distribution === undefined || distribution === '' ? null : distribution,
      base: orNull(bases.get(name)),
      level: levelOf(name, bases),
      packages: inventory?.packages ?? 0,
      bytes: inventory?.bytes ?? 0,
      findings: {
        total: inventory?.findings ?? 0,
        security: inventory?.security ?? 0,
        advisories: advisories.get(digest ?? '') ?? 0,
      },
      grade: orNull(inventory?.grade),
      dropsAt: orNull(inventory?.dropsAt),
      endOfSupport: orNull(inventory?.endOfSupport),
      unsupported: unsupportedOf(image),
      strategy: orNull(strategy as Strategy | undefined),
      status: statusOf(image),
      builtAt: orNull(released?.toISOString() ?? inventory?.since),
      workloads: workloads.get(digest ?? '') ?? 0,
    };
  });
  images.sort((a, b) => a.level - b.level || (a.name < b.name ? -1 : 1));
  return { generatedAt: now.toISOString(), totals, images };
}
