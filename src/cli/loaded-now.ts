import { messageOf } from '../base/index.ts';
import type { Running } from '../http/index.ts';
import type { Finding, LoadedIn } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';
import { readServeFile } from './serve-file.ts';

/** What hosts report of an image; nothing where nobody can know. */
export interface LoadedNow {
  /** Says of findings where their packages run now; those come first. */
  tell(findings: readonly Finding[], digest: string): Promise<readonly Finding[]>;
  close(): Promise<void>;
}

/**
 * Reports reach a home only while it is served, so that server is asked, or the PostgreSQL that several share. A home
 * that nobody serves has none that still count, and its database is not opened for it.
 */
export async function loadedNow(context: CliContext): Promise<LoadedNow> {
  const serving = await readServeFile(context.home);
  const isShared = (process.env.HERAKLIT_DATABASE ?? '') !== '';
  if (serving === undefined && !isShared) return { tell: async (findings) => findings, close: async () => {} };
  const { createRemoteHosts, databaseHostReports } = await import('../http/index.ts');
  const database = isShared ? await openHomeDatabase(context) : undefined;
  const source =
    database === undefined
      ? createRemoteHosts(serving?.url as string, serving?.key, context.signal)
      : databaseHostReports(database);
  let isAway = false;
  return {
    async tell(findings, digest) {
      if (isAway || findings.length === 0) return findings;
      try {
        const { containers } = await source.running(digest);
        return withLoaded(findings, containers);
      } catch (error) {
        context.signal.throwIfAborted();
        isAway = true;
        context.log.debug(`what containers run now is left out: ${messageOf(error)}`);
        return findings;
      }
    },
    close: async () => database?.close(),
  };
}

function withLoaded(findings: readonly Finding[], containers: Running['containers']): readonly Finding[] {
  const told = findings.map((finding) => {
    const places = containers.flatMap((one) => placesIn(one, finding));
    return places.length === 0 ? finding : { ...finding, usage: 'loaded' as const, loadedIn: places };
  });
  return told.toSorted((a, b) => Number(b.usage === 'loaded') - Number(a.usage === 'loaded'));
}

/** A container that loaded another version runs what was installed in it since. */
function placesIn(container: Running['containers'][number], finding: Finding): readonly LoadedIn[] {
  const own = container.packages.filter(({ package: name }) => name === finding.package);
  return own.flatMap(({ loaded, restartDue, since }) => {
    if (loaded !== null && loaded !== finding.installed) return [];
    const { host, id, name } = container;
    return [{ host, container: id, ...(name === null ? {} : { name }), version: loaded, restartDue, since }];
  });
}
