import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { chainIds, type Digest } from '../../oci/index.ts';
import type { BaseEvidence } from '../lineage.ts';

/** What an image stands on, and how that is known. */
export type RecognisedBase =
  | {
      readonly kind: 'known';
      readonly evidence: BaseEvidence;
      readonly digest: string;
      /** What names it; undefined where the inventory does not have it, or nothing names it any more. */
      readonly reference: string | undefined;
    }
  /** Its packages are in the image: it looks like it, and nothing may be done because of it. */
  | {
      readonly kind: 'probable';
      readonly evidence: 'packages';
      readonly digest: string;
      readonly reference: string | undefined;
      /** 0…1: share of its packages that the image has, those of another version counting half. */
      readonly score: number;
      /** Of its packages, in the same version; in any; all. */
      readonly same: number;
      readonly named: number;
      readonly packages: number;
    };

interface ImageRow {
  readonly id: number;
  readonly scope: string;
  readonly package_set: number;
  readonly base_digest: string | null;
  readonly base_evidence: string | null;
  readonly diff_ids: Digest[];
}

/**
 * What an image of the inventory stands on: what its recipe or its annotations say, else the longest known stack of
 * layers below its own, also of a base that was recorded later; else what its packages look like. Undefined where
 * nothing is known. Never recorded: a guess is for people to read.
 */
export async function recogniseBase(reader: DatabaseReader, digest: string): Promise<RecognisedBase | undefined> {
  const { rows } = await sql<ImageRow>`
    select image.id, scope, package_set, base_digest, base_evidence,
      array(select diff_id from unnest(layers) with ordinality as stack (layer, height)
        join layer on layer.id = stack.layer order by height) as diff_ids
    from image where digest = ${digest}`.execute(reader);
  const [image] = rows;
  if (image === undefined) return undefined;
  const { base_digest: recorded, base_evidence: evidence } = image;
  if (recorded !== null && evidence !== 'layers') return known(reader, recorded, evidence as BaseEvidence);
  const below = chainIds(image.diff_ids).slice(0, -1);
  const byLayers = await sql<{ digest: string }>`
    select digest from image where chain = any(${below}::text[]) and digest <> ${digest}
    order by cardinality(layers) desc, id limit 1`.execute(reader);
  const stack = byLayers.rows[0]?.digest ?? recorded;
  return stack === null || stack === undefined ? byPackages(reader, image) : known(reader, stack, 'layers');
}

async function known(reader: DatabaseReader, digest: string, evidence: BaseEvidence): Promise<RecognisedBase> {
  return { kind: 'known', evidence, digest, reference: await referenceOf(reader, digest) };
}

async function referenceOf(reader: DatabaseReader, digest: string): Promise<string | undefined> {
  const row = await reader
    .selectFrom('image')
    .innerJoin('image_reference', 'image_reference.image', 'image.id')
    .select(({ fn }) => fn.min('reference').as('reference'))
    .where('digest', '=', digest)
    .where('until', 'is', null)
    .executeTakeFirst();
  return row?.reference ?? undefined;
}

/** Sets of packages that are compared: those of images that others stand on, or of few layers. */
const MAX_CANDIDATES = 2_000;
const FEW_LAYERS = 2;
/** Below, two images of one distribution look as much alike as any two. */
const LEAST_SCORE = 0.8;
const LEAST_NAMED = 0.95;

interface Candidate {
  readonly digest: string;
  readonly packages: number;
  readonly same: number;
  readonly named: number;
}

/** The largest base whose packages are all there, but for few: a smaller one is in every image of its distribution. */
async function byPackages(reader: DatabaseReader, image: ImageRow): Promise<RecognisedBase | undefined> {
  if (image.scope === '') return undefined;
  const { rows } = await sql<Candidate>`
    with own as materialized (
      select package_version.id, package from package_set
      cross join lateral unnest(versions) as member (version)
      join package_version on package_version.id = member.version
      where package_set.id = ${image.package_set}
    ),
    candidate as materialized (
      select distinct on (image.package_set) image.package_set, image.digest from image
      where scope = ${image.scope} and image.id <> ${image.id} and package_set <> ${image.package_set}
        and (cardinality(layers) <= ${FEW_LAYERS}
          or exists (select from image child where child.base_digest = image.digest))
      order by image.package_set, image.id limit ${MAX_CANDIDATES}
    )
    select candidate.digest, count(*)::integer as packages, count(same.id)::integer as same,
      count(*) filter (where package_version.package in (select package from own))::integer as named
    from candidate
    join package_set on package_set.id = candidate.package_set
    cross join lateral unnest(versions) as member (version)
    join package_version on package_version.id = member.version
    left join own same on same.id = member.version
    where cardinality(versions) < (select count(*) from own)
    group by candidate.digest`.execute(reader);
  const fitting = rows
    .map((row) => ({ ...row, score: (row.same + (row.named - row.same) / 2) / row.packages }))
    .filter(({ score, named, packages }) => score >= LEAST_SCORE && named / packages >= LEAST_NAMED)
    .sort((a, b) => b.same - a.same || b.score - a.score || (a.digest < b.digest ? -1 : 1));
  const [best] = fitting;
  if (best === undefined) return undefined;
  const { digest, same, named, packages, score } = best;
  const reference = await referenceOf(reader, digest);
  const rounded = Math.floor(score * 100) / 100;
  return { kind: 'probable', evidence: 'packages', digest, reference, score: rounded, same, named, packages };
}
