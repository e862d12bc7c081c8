import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import type { Finding } from '../types.ts';
import { isUsed, type LinkedBy, USAGE_RULES, type UsageFilter } from '../usage/usage.ts';
import type { StoredFinding } from './findings-of-sets.ts';
import { type LoadedContainer, loadedIn, runsSomewhere } from './loaded/loaded-in.ts';

/** By package.id, who needs it; what is not in it is merely contained. */
type StoredUsage = ReadonlyMap<number, LinkedBy>;

/** The id of the usage_set of an image by today's rules, as a join to an `image` of the statement; null: not known. */
export const usageJoin = sql`
  left join image_usage on image_usage.image = image.id and image_usage.rules = ${sql.lit(USAGE_RULES)}`;

/** Who needs a package version in an image: `entrypoint`, `executable`, `library`, `contained`; null: not known. */
export function linkedBy(image: RawBuilder<unknown>, version: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select case when package = any(entrypoint) then 'entrypoint' when package = any(executable) then 'executable'
      when package = any(library) then 'library' else 'contained' end
    from image_usage join usage_set on usage_set.id = image_usage.usage_set
    join package_version on package_version.id = ${version}
    where image_usage.image = ${image} and image_usage.rules = ${sql.lit(USAGE_RULES)})`;
}

/** What passes a filter, as a condition; more may pass where a container of the image runs. */
export function mayBeUsed(
  filter: UsageFilter,
  image: RawBuilder<unknown>,
  version: RawBuilder<unknown>,
  now: Date,
): RawBuilder<unknown> {
  const runs = runsSomewhere(image, now);
  if (filter === 'loaded') return runs;
  const ways = filter === 'entrypoint' ? sql`('entrypoint')` : sql`('entrypoint', 'executable', 'library')`;
  return sql`(coalesce(${linkedBy(image, version)}, 'entrypoint') in ${ways} or ${runs})`;
}

export async function readUsages(
  reader: DatabaseReader,
  ids: readonly (number | null)[],
): Promise<ReadonlyMap<number, StoredUsage>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  if (wanted.length === 0) return new Map();
  const { rows } = await sql<{ id: number; entrypoint: number[]; executable: number[]; library: number[] }>`
    select id, entrypoint, executable, library from usage_set where id = any(${wanted}::integer[])`.execute(reader);
  return new Map(
    rows.map(({ id, ...profile }) => [
      id,
      new Map(
        (['library', 'executable', 'entrypoint'] as const).flatMap((by) =>
          profile[by].map((item): [number, LinkedBy] => [item, by]),
        ),
      ),
    ]),
  );
}

/**
 * Says of findings how they are used, and leaves out what was not asked for; what the entry point is linked against
 * first. Images of a fleet share findings: each is made at most once for each way of being used, and a list once for
 * each set of packages and usage.
 */
export class FindingsWithUsage {
  readonly #usages: ReadonlyMap<number, StoredUsage>;
  readonly #filter: UsageFilter | undefined;
  readonly #said = new Map<Finding, Map<LinkedBy | 'contained', Finding>>();
  readonly #lists = new Map<string, readonly Finding[]>();

  constructor(usages: ReadonlyMap<number, StoredUsage>, filter?: UsageFilter) {
    this.#usages = usages;
    this.#filter = filter;
  }

  /**
   * @param key what the findings are a function of
   * @param containers of the image, that run now
   */
  of(
    key: string,
    findings: readonly StoredFinding[],
    usageSet: number | null,
    containers: readonly LoadedContainer[] = [],
  ): readonly Finding[] {
    const name = `${key} ${usageSet ?? ''}`;
    const known = containers.length === 0 ? this.#lists.get(name) : undefined;
    if (known !== undefined) return known;
    const usage = usageSet === null ? undefined : this.#usages.get(usageSet);
    const list = findings
      .map(({ id, finding }) => {
        const said = usage === undefined ? finding : this.#say(finding, usage.get(id) ?? 'contained');
        const places = loadedIn(containers, finding.package, finding.installed);
        return places.length === 0 ? said : { ...said, usage: 'loaded' as const, loadedIn: places };
      })
      .filter((finding) => isUsed(this.#filter, finding))
      .sort((a, b) => first(a) - first(b));
    if (containers.length === 0) this.#lists.set(name, list);
    return list;
  }

  #say(finding: Finding, by: LinkedBy | 'contained'): Finding {
    const ways = this.#said.get(finding) ?? new Map<LinkedBy | 'contained', Finding>();
    this.#said.set(finding, ways);
    const known = ways.get(by);
    if (known !== undefined) return known;
    const said: Finding =
      by === 'contained' ? { ...finding, usage: 'contained' } : { ...finding, usage: 'linked', linkedBy: by };
    ways.set(by, said);
    return said;
  }
}

/** What runs, then what the entry point is linked against; the others as they came. */
const first = ({ usage, linkedBy: by }: Finding): number => (usage === 'loaded' ? 0 : by === 'entrypoint' ? 1 : 2);
