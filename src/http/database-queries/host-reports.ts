import { type Clock, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { containersRunning, type HostContainer, listHosts, recordReport } from '../../inventory/store/index.ts';
import type { HostReports, RunningContainer } from '../hosts-contract.ts';

const toContainer = ({ name, image, digest, problem, ...container }: HostContainer): RunningContainer => ({
  ...container,
  name: name ?? null,
  image: image ?? null,
  digest: digest ?? null,
  problem: problem ?? null,
});

/** The port answered from a home's database. */
export function databaseHostReports(database: Database, clock: Clock = systemClock): HostReports {
  const now = (): Date => new Date(clock.now());
  return {
    async report(report, account) {
      const { expires, ...outcome } = await database.transaction((trx) =>
        recordReport(trx, report, { now: now(), account }),
      );
      return { ...outcome, expires: expires.toISOString() };
    },
    async hosts(query) {
      const { rows, next } = await listHosts(database.kysely, { ...query, now: now() });
      const hosts = rows.map(({ containers, ...host }) => ({ ...host, containers: containers.map(toContainer) }));
      return { hosts, next: next ?? null };
    },
    async running(digest) {
      const containers = await containersRunning(database.kysely, digest, now());
      return { containers: containers.map(({ host, ...container }) => ({ host, ...toContainer(container) })) };
    },
  };
}
