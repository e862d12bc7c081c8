import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, unnest } from '../../database/index.ts';
import { type LinkedBy, stronger, USAGE_RULES, usageOfFiles } from '../usage/usage.ts';
import type { RecordedContents } from './recorded-contents.ts';
import { arrayText } from './stored-package.ts';

interface UsedImage {
  /** image.id */
  readonly id: number;
  readonly contents: RecordedContents;
}

/** Which of these images are recorded with what they use; of the others it is not known, or they are not recorded. */
export async function imagesWithUsage(
  reader: DatabaseReader,
  digests: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ digest: string }>`
    select digest from image join image_usage on image_usage.image = image.id
    where digest = any(${digests}::text[]) and rules = ${USAGE_RULES}`.execute(reader);
  return new Set(rows.map(({ digest }) => digest));
}

/** Keeps what images use, once: the same digest has the same files and the same command. */
export async function recordUsage(trx: DatabaseTransaction, images: readonly UsedImage[]): Promise<void> {
  const told = new Map(images.flatMap((image) => (image.contents.usage === undefined ? [] : [[image.id, image]])));
  if (told.size === 0) return;
  const known = await trx
    .selectFrom('image_usage')
    .select('image')
    .where('image', 'in', [...told.keys()])
    .where('rules', '>=', USAGE_RULES)
    .execute();
  for (const { image } of known) told.delete(image);
  if (told.size === 0) return;
  const used = [...told.values()].map(({ id, contents }) => ({ id, packages: usedPackages(contents) }));
  const ids = await packageIds(trx, new Set(used.flatMap(({ packages }) => [...packages.keys()])));
  const profiles = used.map(({ id, packages }) => ({ id, ...profileOf(packages, ids) }));
  // One order for every writer, so that two of them never wait for each other.
  const distinct = [...new Map(profiles.map(({ id: _, ...profile }) => [profile.digest, profile])).values()].sort(
    (a, b) => (a.digest < b.digest ? -1 : 1),
  );
  const columns = { digest: 'text', entrypoint: 'text', executable: 'text', library: 'text' } as const;
  await sql`
    insert into usage_set (digest, entrypoint, executable, library)
    select digest, entrypoint::integer[], executable::integer[], library::integer[]
    from ${unnest(distinct, columns)} as wanted (digest, entrypoint, executable, library)
    where not exists (select from usage_set known where known.digest = wanted.digest)
    on conflict do nothing`.execute(trx);
  const rows = profiles.map(({ id, digest }) => ({ id, digest })).sort((a, b) => a.id - b.id);
  await sql`
    insert into image_usage as known (image, usage_set, rules)
    select wanted.id, usage_set.id, ${USAGE_RULES}::smallint
    from ${unnest(rows, { id: 'integer', digest: 'text' })} as wanted (id, digest)
    join usage_set on usage_set.digest = wanted.digest
    order by 1
    on conflict (image) do update set usage_set = excluded.usage_set, rules = excluded.rules
    where known.rules < excluded.rules`.execute(trx);
}

/** By `keyOf`, who needs a package. */
function usedPackages(contents: RecordedContents): ReadonlyMap<string, LinkedBy> {
  const { usage, ecosystem, packages, languagePackages } = contents;
  const used = new Map<string, LinkedBy>();
  const mark = (key: string, by: LinkedBy | undefined): void => {
    if (by !== undefined) used.set(key, stronger(used.get(key), by));
  };
  for (const { name, architecture } of packages) {
    mark(keyOf(ecosystem ?? 'deb', name, architecture), usage?.packages.get(name));
  }
  for (const { ecosystem: language, name, locations } of languagePackages) {
    const paths = locations.map(({ path }) => path);
    mark(keyOf(language, name, ''), usageOfFiles(usage, paths)?.linkedBy);
  }
  return used;
}

/** Names are foreign text: no separator is safe. */
const keyOf = (...parts: readonly [ecosystem: string, name: string, architecture: string]): string =>
  JSON.stringify(parts);

async function packageIds(trx: DatabaseTransaction, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const wanted = [...keys].map((key) => {
    const [ecosystem, name, architecture] = JSON.parse(key) as [string, string, string];
    return { ecosystem, name, architecture };
  });
  const { rows } = await sql<{ id: number; ecosystem: string; name: string; architecture: string }>`
    select package.id, package.ecosystem, package.name, package.architecture
    from ${unnest(wanted, { ecosystem: 'text', name: 'text', architecture: 'text' })}
      as wanted (ecosystem, name, architecture)
    join package on package.ecosystem = wanted.ecosystem and package.name = wanted.name
      and package.architecture = wanted.architecture`.execute(trx);
  return new Map(rows.map((row) => [keyOf(row.ecosystem, row.name, row.architecture), row.id]));
}

function profileOf(used: ReadonlyMap<string, LinkedBy>, ids: ReadonlyMap<string, number>) {
  const of = (wanted: LinkedBy): string =>
    arrayText([...used].flatMap(([key, by]) => (by === wanted ? (ids.get(key) ?? []) : [])).sort((a, b) => a - b));
  const profile = { entrypoint: of('entrypoint'), executable: of('executable'), library: of('library') };
  const text = `${profile.entrypoint}${profile.executable}${profile.library}`;
  return { digest: createHash('sha256').update(text).digest('hex'), ...profile };
}
