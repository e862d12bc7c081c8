import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';

/** What an image consists of: its package sets. */
export interface ImageSets {
  readonly package_set: number;
  readonly language_sets: readonly number[];
}

/** The `language_sets` of a row of image under this name. */
export const languageSetsOf = (image: 'image' | 'old' | 'new'): RawBuilder<number[]> =>
  sql`array(select set from image_languages own where own.image = ${sql.ref(`${image}.id`)} order by set)`;

/** A package that came, went or changed its version; `kind` by the format's own order. */
export interface PackageChange {
  readonly kind: 'added' | 'removed' | 'upgraded' | 'downgraded';
  readonly type: string;
  readonly package: string;
  readonly arch: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Sets read by one statement. */
const BATCH = 2_000;

/**
 * What changed from one image to the next, for each pair; undefined on one side means nothing was there. Sets are read
 * once however many pairs they stand in.
 */
export async function changesBetween(
  reader: DatabaseReader,
  pairs: readonly (readonly [before: ImageSets | undefined, after: ImageSets | undefined])[],
): Promise<readonly (readonly PackageChange[])[]> {
  const movesOf = await movesBetween(reader, pairs);
  return pairs.map((_, at) => movesOf(at).map(changeOf).sort(byName));
}

/** Each distinct change with the sum of what the pairs count that it is in. */
export async function changeTotals(
  reader: DatabaseReader,
  pairs: readonly { readonly pair: readonly [before: ImageSets, after: ImageSets]; readonly count: number }[],
): Promise<readonly (PackageChange & { readonly count: number })[]> {
  const movesOf = await movesBetween(
    reader,
    pairs.map(({ pair }) => pair),
  );
  // By number: a fleet has millions of moves, of which few are distinct.
  const totals = new Map<string, { readonly move: Move; count: number }>();
  for (const [at, { count }] of pairs.entries()) {
    for (const move of movesOf(at)) {
      const key = `${move.from?.id ?? ''}>${move.to?.id ?? ''}`;
      const known = totals.get(key);
      if (known === undefined) totals.set(key, { move, count });
      else known.count += count;
    }
  }
  return [...totals.values()].map(({ move, count }) => ({ ...changeOf(move), count }));
}

/** Moves of the pair at a place, in no order; made when asked for. */
async function movesBetween(
  reader: DatabaseReader,
  pairs: readonly (readonly [before: ImageSets | undefined, after: ImageSets | undefined])[],
): Promise<(at: number) => readonly Move[]> {
  // What both have is no change, and no version of it is in another set of the same image.
  const own = pairs.map(([before, after]) => {
    const [left, right] = [new Set(idsOf(before)), new Set(idsOf(after))];
    return [[...left].filter((id) => !right.has(id)), [...right].filter((id) => !left.has(id))] as const;
  });
  const members = await membersOf(reader, new Set(own.flat(2)));
  const deltas = own.map(([before, after]) => deltaOf(versionsOf(before, members), versionsOf(after, members)));
  const ids = new Set<number>();
  for (const { added, removed } of deltas) {
    for (const id of added) ids.add(id);
    for (const id of removed) ids.add(id);
  }
  const versions = await describe(reader, ids);
  const named = (list: readonly number[]): readonly Version[] => list.map((id) => versions.get(id) as Version);
  return (at) => {
    const { added, removed } = deltas[at] as (typeof deltas)[number];
    return paired(named(removed), named(added));
  };
}

/** The same for images by digest; undefined where one of the two is named and not in the inventory, or none is. */
export async function changesOfImages(
  reader: DatabaseReader,
  pairs: readonly (readonly [before: string | undefined, after: string | undefined])[],
): Promise<readonly (readonly PackageChange[] | undefined)[]> {
  const digests = [...new Set(pairs.flat().filter((digest) => digest !== undefined))];
  const { rows } = await sql<ImageSets & { digest: string }>`
    select digest, package_set, ${languageSetsOf('image')} as language_sets from image where digest = any(${digests}::text[])`.execute(
    reader,
  );
  const sets = new Map(rows.map((row) => [row.digest, row]));
  const changes = await changesBetween(
    reader,
    pairs.map(([before, after]) => [sets.get(before ?? ''), sets.get(after ?? '')]),
  );
  return pairs.map(([before, after], at) => {
    const known = after !== undefined && sets.has(after) && (before === undefined || sets.has(before));
    return known ? changes[at] : undefined;
  });
}

function idsOf(sets: ImageSets | undefined): readonly number[] {
  if (sets === undefined) return [];
  return [sets.package_set, ...sets.language_sets];
}

async function membersOf(
  reader: DatabaseReader,
  sets: ReadonlySet<number>,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const wanted = [...sets];
  const members = new Map<number, readonly number[]>();
  for (let at = 0; at < wanted.length; at += BATCH) {
    // As text: parsing an array of integers element by element takes longer than reading it.
    const { rows } = await sql<{ id: number; versions: string }>`
      select id, array_to_string(versions, ',') as versions from package_set
      where id = any(${wanted.slice(at, at + BATCH)}::integer[])`.execute(reader);
    for (const row of rows) members.set(row.id, row.versions === '' ? [] : row.versions.split(',').map(Number));
  }
  return members;
}

function versionsOf(sets: readonly number[], members: ReadonlyMap<number, readonly number[]>): ReadonlySet<number> {
  return new Set(sets.flatMap((id) => members.get(id) ?? []));
}

function deltaOf(
  before: ReadonlySet<number>,
  after: ReadonlySet<number>,
): { readonly added: readonly number[]; readonly removed: readonly number[] } {
  return { added: [...after].filter((id) => !before.has(id)), removed: [...before].filter((id) => !after.has(id)) };
}

interface Version {
  readonly id: number;
  readonly type: string;
  readonly package: string;
  readonly arch: string;
  readonly version: string;
  readonly rank: number;
  readonly packageId: number;
}

async function describe(reader: DatabaseReader, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, Version>> {
  if (ids.size === 0) return new Map();
  const { rows } = await sql<Version>`
    select package_version.id, ecosystem as type, name as package, architecture as arch, version, rank,
      package.id as "packageId"
    from package_version join package on package.id = package_version.package
    where package_version.id = any(${[...ids]}::integer[])`.execute(reader);
  return new Map(rows.map((row) => [row.id, row]));
}

interface Move {
  readonly from: Version | undefined;
  readonly to: Version | undefined;
}

/** One version for another is a move; where a package stands several times (npm, kernels) they come and go. */
function paired(removed: readonly Version[], added: readonly Version[]): readonly Move[] {
  const gone = Map.groupBy(removed, (one) => one.packageId);
  const come = Map.groupBy(added, (one) => one.packageId);
  const moves: Move[] = [];
  for (const [id, before] of gone) {
    const after = come.get(id) ?? [];
    if (before.length === 1 && after.length === 1) moves.push({ from: before[0], to: after[0] });
    else for (const from of before) moves.push({ from, to: undefined });
  }
  for (const [id, after] of come) {
    if (after.length === 1 && gone.get(id)?.length === 1) continue;
    for (const to of after) moves.push({ from: undefined, to });
  }
  return moves;
}

function changeOf({ from, to }: Move): PackageChange {
  const { type, package: name, arch } = (to ?? from) as Version;
  return { kind: kindOf(from, to), type, package: name, arch, from: from?.version, to: to?.version };
}

function kindOf(from: Version | undefined, to: Version | undefined): PackageChange['kind'] {
  if (from === undefined) return 'added';
  if (to === undefined) return 'removed';
  // Versions that differ in spelling alone share a rank: they count as upgraded.
  return to.rank >= from.rank ? 'upgraded' : 'downgraded';
}

export function byName(a: PackageChange, b: PackageChange): number {
  const key = (one: PackageChange) => [one.type, one.package, one.arch, one.from ?? '', one.to ?? ''];
  const [left, right] = [key(a), key(b)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at < 0 ? 0 : (left[at] as string) < (right[at] as string) ? -1 : 1;
}
