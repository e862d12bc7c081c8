import { sql } from 'kysely';
import type { Database } from '../../src/database/index.ts';
import { databaseQueries } from '../../src/http/index.ts';
import type { Finding } from '../../src/inventory/index.ts';
import {
  fleet,
  fleetChanges,
  historyWithChanges,
  needingAttention,
  outdatedAll,
  packagesOfScope,
  recordFindings,
  refreshScope,
  whereIs,
} from '../../src/inventory/store/index.ts';
import { END } from './fleet.ts';
import { type Latency, latency, PeakMemory, timed } from './measure.ts';
import { Random } from './random.ts';

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most. */
  readonly goal?: number;
}

/** Every query of the inventory over the loaded fleet. */
export async function runQueries(database: Database, runs: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const note = (what: string, value: number, unit: string, goal?: number): void => {
    rows.push(goal === undefined ? { what, value, unit } : { what, value, unit, goal });
    process.stderr.write(`${database.kind}: ${what}: ${value.toFixed(2)} ${unit}\n`);
  };
  const noteLatency = (what: string, measured: Latency, goal?: number): void => {
    note(`${what}, p50`, measured.p50, 'ms');
    note(`${what}, p99`, measured.p99, 'ms', goal);
  };
  const goal = database.kind === 'postgresql' ? 5 : 20;
  const random = new Random(7);
  const versions = await versionsOf(database, 'libssl3');
  const range = (): string => `<${random.pick(versions)}`;
  const memory = new PeakMemory();
  const older = () => whereIs(database.kysely, { package: 'libssl3', versionRange: range() });
  // A server that has answered before: its code is compiled, its statements are known.
  await latency(WARM, older);
  noteLatency('where libssl3 < V, first page of 100', await latency(runs, older), goal);
  note('where libssl3, a page of 100 after 20,000 rows', await deepPage(database), 'ms');
  const every = await timed(() =>
    allPages((after) => whereIs(database.kysely, { package: 'libssl3', limit: 10_000, ...after })),
  );
  note('images of where libssl3, every page of 10,000', every.value, '');
  note('the same, time', every.seconds, 's');
  const module = () => whereIs(database.kysely, { package: `module-${random.skewed(1000)}`, versionRange: '<5' });
  await latency(WARM, module);
  noteLatency('where a package of a language, first page of 100', await latency(runs, module));
  await noteUpdate(database, note);
  await noteImages(database, runs, random, noteLatency);
  const span = { from: new Date(END - 86_400_000), to: new Date(END) };
  note('diff of the fleet between two days', (await timed(() => fleetChanges(database.kysely, span))).seconds, 's');
  const quarter = { from: new Date(END - 70 * 86_400_000), to: new Date(END) };
  note('the same between two quarters', (await timed(() => fleetChanges(database.kysely, quarter))).seconds, 's');
  note(
    'fleet, every page',
    (await timed(() => allPages((after) => fleet(database.kysely, { limit: 1000, now: new Date(END), ...after }))))
      .seconds,
    's',
  );
  const numbers = databaseQueries({ database, inspect: nothingToInspect });
  note('the fleet in numbers, as /metrics asks', (await timed(() => numbers.totals())).seconds, 's');
  noteLatency(
    'history of a reference',
    await latency(runs, () =>
      historyWithChanges(database.kysely, {
        reference: `registry.example.com/team-moving/app-${String(random.below(1000)).padStart(6, '0')}:1`,
      }),
    ),
  );
  note('memory while answering, over what it was before', memory.over() / 1e6, 'MB');
  return rows;
}

async function nothingToInspect(): Promise<never> {
  throw new Error('nothing to inspect');
}

/** Questions about one image. */
async function noteImages(
  database: Database,
  runs: number,
  random: Random,
  noteLatency: (what: string, measured: Latency) => void,
): Promise<void> {
  const queries = databaseQueries({ database, inspect: nothingToInspect });
  const name = () => queries.outdated({ image: `app-${String(random.below(1000)).padStart(6, '0')}` });
  await latency(WARM, name);
  noteLatency('updates of an image by its short name', await latency(runs, name));
}

/** Calls before any is measured. */
const WARM = 30;

/** Of the fleet's images those that the update reaches. */
const SHARE = 0.3;

/** A fix of libssl3 for the oldest versions of the largest distribution, as many as this share of the fleet has. */
async function updateOf(database: Database, share: number): Promise<readonly Finding[]> {
  const { rows } = await sql<{ version: string; images: number; all: number }>`
    select version, count(*)::integer as images, (select count(*)::integer from image) as all
    from package join package_version on package_version.package = package.id
    join package_version_sets on package_version_sets.package_version = package_version.id
    cross join lateral unnest(sets) as member (set)
    join image on image.package_set = member.set
    where name = 'libssl3' and scope = 'debian/trixie/amd64'
    group by version, rank order by rank`.execute(database.kysely);
  let images = 0;
  const old = rows.filter((row) => {
    const wanted = images < row.all * share;
    images += row.images;
    return wanted;
  });
  return old.map(
    ({ version }): Finding => ({
      package: 'libssl3',
      arch: 'amd64',
      installed: version,
      installedArch: 'amd64',
      candidate: '9.0-1',
      repository: 'debian/trixie-security/main/amd64',
      security: true,
      severity: 'critical',
      advisories: ['CVE-2026-0001'],
      since: new Date(END).toISOString(),
    }),
  );
}

async function deepPage(database: Database): Promise<number> {
  const first = await whereIs(database.kysely, { package: 'libssl3', limit: 10_000 });
  const second =
    first.next === undefined
      ? first
      : await whereIs(database.kysely, { package: 'libssl3', limit: 10_000, after: first.next });
  const deep = { package: 'libssl3', limit: 100, ...(second.next === undefined ? {} : { after: second.next }) };
  return (await latency(20, () => whereIs(database.kysely, deep))).p50;
}

async function noteUpdate(
  database: Database,
  note: (what: string, value: number, unit: string, goal?: number) => void,
): Promise<void> {
  // Every distribution is checked and up to date; then one publishes a fix that 30 % of the fleet misses.
  const scopes = ['debian/trixie', 'debian/bookworm', 'debian/bullseye'];
  const check = async (name: string, findings: readonly Finding[]): Promise<void> => {
    const scope = `${name}/amd64`;
    const packages = await packagesOfScope(database.kysely, scope);
    await database.transaction(async (trx) => {
      await recordFindings(trx, { scope, distribution: name, packages, findings, now: new Date(END) });
      await refreshScope(trx, scope);
    });
  };
  const first = await timed(async () => {
    for (const scope of scopes) await check(scope, []);
  });
  note('first check of every scope recorded', first.seconds, 's');
  const findings = await updateOf(database, SHARE);
  const name = scopes[0] as string;
  const record = await timed(() => check(name, findings));
  note('a security update recorded', record.seconds, 's');
  const all = await timed(() => allPages((after) => outdatedAll(database.kysely, { limit: 10_000, ...after })));
  note('images that miss it', all.value, '');
  note('outdated --all, every page of 10,000', all.seconds, 's', 1);
  const now = new Date(END);
  const attention = await timed(() =>
    allPages((after) => needingAttention(database.kysely, { limit: 5_000, now, ...after })),
  );
  note('images that outdated --all prints: the same, and those past their support', attention.value, '');
  note('the same, time', attention.seconds, 's');
}

async function allPages(
  read: (after: {
    readonly after?: string;
  }) => Promise<{ readonly rows: readonly unknown[]; readonly next: string | undefined }>,
): Promise<number> {
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await read(after === undefined ? {} : { after });
    count += page.rows.length;
    if (page.next === undefined) return count;
    after = page.next;
  }
}

async function versionsOf(database: Database, name: string): Promise<readonly string[]> {
  const rows = await database.kysely
    .selectFrom('package_version')
    .innerJoin('package', 'package.id', 'package_version.package')
    .select('version')
    .where('name', '=', name)
    .execute();
  return rows.map((row) => row.version);
}
