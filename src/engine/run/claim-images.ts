import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { Fleet } from '../context.ts';
import { engineError } from '../errors.ts';

/**
 * Refuses a fleet with an image whose name another fleet of the home has: both would publish to the same repository.
 * @throws ENGINE_FLEET_CLASH
 */
export async function refuseClash(reader: DatabaseReader, fleet: Fleet): Promise<void> {
  const names = fleet.images.map((image) => image.image);
  const others = await reader
    .selectFrom('fleet_image')
    .select(['name', 'fleet'])
    .where(sql<boolean>`name = any(${sql.val(names)}::text[])`)
    .where('fleet', '<>', fleet.name)
    .orderBy('name')
    .limit(4)
    .execute();
  const [first] = others;
  if (first === undefined) return;
  const more = others.length > 3 ? ', …' : '';
  const shared =
    others
      .slice(0, 3)
      .map((one) => one.name)
      .join(', ') + more;
  throw engineError(
    'ENGINE_FLEET_CLASH',
    `fleet ${fleet.name} and fleet ${first.fleet} of this home both have ${shared}`,
    {
      hint: `Give it a home of its own, or other image names; if it is fleet ${first.fleet} under a new name, run once with --take-over ${first.fleet}.`,
      details: { fleet: fleet.name, other: first.fleet, images: others.map((one) => one.name) },
    },
  );
}

/** Gives every image of a fleet its row, so that a second fleet with one of the names is refused. @throws ENGINE_FLEET_CLASH */
export async function claimImages(trx: DatabaseTransaction, fleet: Fleet): Promise<void> {
  if (fleet.images.length === 0) return;
  const rows = fleet.images.map(({ image, repository, tag }) => ({ name: image, fleet: fleet.name, repository, tag }));
  const columns = { name: 'text', fleet: 'text', repository: 'text', tag: 'text' } as const;
  await sql`insert into fleet_image (name, fleet, repository, tag) select * from ${unnest(rows, columns)} as fresh
    order by 1 on conflict (name) do nothing`.execute(trx);
  await refuseClash(trx, fleet);
}

/** A fleet was renamed: what `from` has of the fleet's images, and its unfinished run, is the fleet's own. */
export async function takeOver(trx: DatabaseTransaction, fleet: Fleet, from: string): Promise<void> {
  const names = fleet.images.map((image) => image.image);
  await sql`update fleet_image set fleet = ${fleet.name}
    where fleet = ${from} and name = any(${sql.val(names)}::text[])`.execute(trx);
  await sql`update run set fleet = ${fleet.name} where fleet = ${from} and status = 'running'
    and not exists (select from run where fleet = ${fleet.name} and status = 'running')`.execute(trx);
}
