import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../../database/index.ts';
import { formatReference, imageNameOf, isDigest } from '../../../oci/index.ts';
import { inventoryError } from '../../errors.ts';
import { type HostReport, type ReportedContainer, type StoredPackage, storedPackages } from './report.ts';

/** Seconds for which a report may count: a host that is gone is not said to run anything for longer. */
export const MAX_VALID = 7 * 86_400;
/** Seconds for which a host that stopped reporting is still listed. */
const FORGOTTEN = 30 * 86_400;

export interface ReportOutcome {
  /** False: a later look of the same host was reported before. */
  readonly accepted: boolean;
  readonly containers: number;
  /** Of these, with an image that the inventory has. */
  readonly known: number;
  /** Until when it counts. */
  readonly expires: Date;
}

/**
 * Keeps what a host says instead of what it said before. What did not change since is not written again.
 * @param account who reports: while a host counts nobody else may speak for it
 * @throws INVENTORY_HOST_TAKEN
 */
export async function recordReport(
  trx: DatabaseTransaction,
  report: HostReport,
  { now, account }: { readonly now: Date; readonly account: string },
): Promise<ReportOutcome> {
  const { id: host, name } = report.host;
  const observed = observedBy(report, now);
  const expires = new Date(observed.getTime() + Math.min(report.validFor, MAX_VALID) * 1_000);
  await sql`delete from agent_host where expires < ${new Date(now.getTime() - FORGOTTEN * 1_000)}`.execute(trx);
  const never = new Date(0);
  const fresh = { host, name, account, observed: never, reported: never, expires: never, unread: 0 };
  await trx
    .insertInto('agent_host')
    .values(fresh)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const before = await trx
    .selectFrom('agent_host')
    .selectAll()
    .where('host', '=', host)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (before.account !== account && before.expires > now) {
    throw inventoryError('INVENTORY_HOST_TAKEN', `another account reports for host ${name} (${host})`, {
      hint: 'Give each host an id of its own (--host-id), or let the other reports expire.',
    });
  }
  const rows = report.containers.map((container) => ({ ...container, hash: hashOf(container) }));
  // Of looks of one host its own clock knows the order; one that was set back is believed when what it said ran out.
  const reported = new Date(report.observedAt);
  if (before.reported >= reported && before.expires > now) {
    return { accepted: false, containers: rows.length, known: 0, expires: before.expires };
  }
  await trx
    .updateTable('agent_host')
    .set({ name, account, observed, reported, expires, unread: report.unread })
    .where('host', '=', host)
    .execute();
  await replaceContainers(trx, host, rows, observed);
  const { known } = await trx
    .selectFrom('agent_container')
    .select(({ fn }) => fn.count<number | string>('image').as('known'))
    .where('host', '=', host)
    .executeTakeFirstOrThrow();
  return { accepted: true, containers: rows.length, known: Number(known), expires };
}

/** By our clock: clocks of hosts are wrong, the time between two of their own readings is not. */
function observedBy({ observedAt, sentAt }: HostReport, now: Date): Date {
  const age = Date.parse(sentAt) - Date.parse(observedAt);
  return new Date(now.getTime() - (Number.isFinite(age) ? Math.max(0, age) : 0));
}

type Hashed = ReportedContainer & { readonly hash: string };

const hashOf = (container: ReportedContainer): string =>
  createHash('sha256').update(JSON.stringify(container)).digest('base64url');

async function replaceContainers(
  trx: DatabaseTransaction,
  host: string,
  containers: readonly Hashed[],
  observed: Date,
): Promise<void> {
  const known = await trx
    .selectFrom('agent_container')
    .select(['container', 'hash', 'image'])
    .where('host', '=', host)
    .execute();
  const before = new Map(known.map((row) => [row.container, row]));
  const named = new Map(containers.map((one) => [one.id, one]));
  const gone = [...before.keys()].filter((id) => !named.has(id));
  if (gone.length > 0) {
    await trx.deleteFrom('agent_container').where('host', '=', host).where('container', 'in', gone).execute();
  }
  // One whose image the inventory did not have then may be known now.
  const wanted = [...named.values()].filter((one) => {
    const row = before.get(one.id);
    return row === undefined || row.hash !== one.hash || row.image === null;
  });
  if (wanted.length === 0) return;
  const images = await imagesOf(trx, wanted);
  const earlier = await packagesBefore(trx, host, wanted);
  const rows = wanted.map((one) => ({
    container: one.id,
    engine: one.engine,
    name: one.name,
    image_name: one.image,
    digests: `{${digestsOf(one).join(',')}}`,
    // What it was taken for when it was first seen: a tag may mean another image since.
    image: before.get(one.id)?.image ?? images.get(one.id),
    restart_due: one.restartDue,
    problem: one.problem,
    hash: one.hash,
    packages: JSON.stringify(packagesOf(one, earlier.get(one.id) ?? [], observed)),
  }));
  const columns = {
    container: 'text',
    engine: 'text',
    name: 'text',
    image_name: 'text',
    digests: 'text',
    image: 'integer',
    restart_due: 'boolean',
    problem: 'text',
    hash: 'text',
    packages: 'text',
  } as const;
  const list = sql.raw(Object.keys(columns).join(', '));
  await sql`
    insert into agent_container (host, ${list})
    select ${host}::text, container, engine, name, image_name, digests::text[], image, restart_due, problem, hash,
      packages
    from ${unnest(rows, columns)} as wanted (${list})
    on conflict (host, container) do update set engine = excluded.engine, name = excluded.name,
      image_name = excluded.image_name, digests = excluded.digests, image = excluded.image,
      restart_due = excluded.restart_due, problem = excluded.problem, hash = excluded.hash,
      packages = excluded.packages`.execute(trx);
}

/** Digests alone have no character that an array's text would have to escape. */
function digestsOf({ digests, image }: ReportedContainer): readonly string[] {
  const named = image === null ? undefined : imageNameOf(image)?.digest;
  return [...new Set([...digests, ...(named === undefined ? [] : [named])])].filter((one) => isDigest(one));
}

/** image.id by container: by digest, else by the name that its image has now. */
async function imagesOf(
  trx: DatabaseTransaction,
  containers: readonly ReportedContainer[],
): Promise<ReadonlyMap<string, number>> {
  const digests = containers.flatMap((one) => digestsOf(one).map((digest) => ({ container: one.id, digest })));
  const names = containers.flatMap(({ id, image }) => {
    const name = image === null ? undefined : imageNameOf(image);
    return name === undefined || name.tag === undefined
      ? []
      : [{ container: id, reference: formatReference({ ...name, digest: undefined }) }];
  });
  const { rows: byName } = await sql<{ container: string; image: number }>`
    select container, image_reference.image
    from ${unnest(names, { container: 'text', reference: 'text' })} as wanted (container, reference)
    join image_reference on image_reference.reference = wanted.reference and until is null`.execute(trx);
  const { rows: byDigest } = await sql<{ container: string; image: number }>`
    select container, image.id as image
    from ${unnest(digests, { container: 'text', digest: 'text' })} as wanted (container, digest)
    join image on image.digest = wanted.digest`.execute(trx);
  return new Map([...byName, ...byDigest].map(({ container, image }) => [container, image]));
}

async function packagesBefore(
  trx: DatabaseTransaction,
  host: string,
  containers: readonly ReportedContainer[],
): Promise<ReadonlyMap<string, readonly StoredPackage[]>> {
  const rows = await trx
    .selectFrom('agent_container')
    .select(['container', 'packages'])
    .where('host', '=', host)
    .where(
      'container',
      'in',
      containers.map(({ id }) => id),
    )
    .execute();
  return new Map(rows.map(({ container, packages }) => [container, storedPackages(packages)]));
}

/** A package keeps the time at which this version of it was first seen to run there. */
function packagesOf(
  { packages }: ReportedContainer,
  before: readonly StoredPackage[],
  observed: Date,
): readonly StoredPackage[] {
  const seen = new Map(before.map(([name, loaded, , , since]) => [JSON.stringify([name, loaded]), since]));
  const now = Math.floor(observed.getTime() / 1_000);
  return packages.map(({ package: name, loaded, installed, restartDue }) => [
    name,
    loaded,
    installed,
    restartDue,
    seen.get(JSON.stringify([name, loaded])) ?? now,
  ]);
}
