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
  // What both have is no change, and no version of it is in another set of the same image.
  const own = pairs.map(([before, after]) => {
    const [left, right] = [new Set(idsOf(before)), new Set(idsOf(after))];
    return [[...left].filter((id) => !right.has(id)), [...right].filter((id) => !left.has(id))] as const;
  });
  const members = await membersOf(reader, new Set(own.flat(2)));
  const deltas = own.map(([before, after]) => deltaOf(versionsOf(before, members), versionsOf(after, members)));
  const versions = await describe(reader, new Set(deltas.flatMap(({ added, removed }) => [...added, ...removed])));
  const named = (ids: readonly number[]): readonly Version[] => ids.map((id) => versions.get(id) as Version);
  return deltas.map(({ added, removed }) => paired(named(removed), named(added)));
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
}

async function describe(reader: DatabaseReader, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, Version>> {
  if (ids.size === 0) return new Map();
  const { rows } = await sql<Version>`
    select package_version.id, ecosystem as type, name as package, architecture as arch, version, rank
    from package_version join package on package.id = package_version.package
    where package_version.id = any(${[...ids]}::integer[])`.execute(reader);
  return new Map(rows.map((row) => [row.id, row]));
}

/** One version for another is a move; where a package stands several times (npm, kernels) they come and go. */
function paired(removed: readonly Version[], added: readonly Version[]): readonly PackageChange[] {
  const gone = Map.groupBy(removed, nameOf);
  const come = Map.groupBy(added, nameOf);
  const changes = [...new Set([...gone.keys(), ...come.keys()])].flatMap((name): PackageChange[] => {
    const [before = [], after = []] = [gone.get(name), come.get(name)];
    const [from, to] = [before[0], after[0]];
    if (before.length === 1 && after.length === 1 && from !== undefined && to !== undefined) {
      // Versions that differ in spelling alone share a rank: they count as upgraded.
      return [change(to.rank >= from.rank ? 'upgraded' : 'downgraded', to, from.version, to.version)];
    }
    return [
      ...before.map((one) => change('removed', one, one.version, undefined)),
      ...after.map((one) => change('added', one, undefined, one.version)),
    ];
  });
  return changes.sort(byName);
}

const nameOf = (one: Version): string => `${one.type}\n${one.package}\n${one.arch}`;

function change(
  kind: PackageChange['kind'],
  { type, package: name, arch }: Version,
  from: string | undefined,
  to: string | undefined,
): PackageChange {
  return { kind, type, package: name, arch, from, to };
}

export function byName(a: PackageChange, b: PackageChange): number {
  const key = (one: PackageChange) => [one.type, one.package, one.arch, one.from ?? '', one.to ?? ''];
  const [left, right] = [key(a), key(b)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at < 0 ? 0 : (left[at] as string) < (right[at] as string) ? -1 : 1;
}
