import { resolve } from 'node:path';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { FleetAdvisories } from '../recipe/index.ts';
import type { CliContext } from './context.ts';
import { noteFeeds } from './imported-advisories.ts';

/** Milliseconds between two looks at a feed: the largest have 70 MB, and none changes by the minute. */
const INTERVAL = 6 * 3_600_000;

/**
 * Keeps the feeds that a fleet file names imported; call it as often as one likes. One that cannot be had is warned of
 * and keeps what it said before.
 */
export function fleetAdvisories(
  fleet: Pick<LoadedFleet, 'document' | 'directory'>,
  database: Database,
  context: Pick<CliContext, 'home' | 'log' | 'signal' | 'progress'>,
): () => Promise<void> {
  const feeds = fleet.document.advisories ?? [];
  let next = 0;
  const refresh = async ({ location, type, distribution }: FleetAdvisories): Promise<void> => {
    const { importFeed } = await import('../feed/advisory-feeds/index.ts');
    const where = /^(?:https?|file):/i.test(location) ? location : resolve(fleet.directory, location);
    const { kind, feed, problems } = await importFeed(where, {
      ...{ database, scratch: context.home.scratch, signal: context.signal, progress: context.progress },
      ...(type === undefined ? {} : { type }),
      ...(distribution === undefined ? {} : { distribution }),
    });
    if (kind === 'imported') context.log.info(`${feed.location}: ${feed.advisories} advisories`);
    if (problems[0] !== undefined) context.log.warn(`${feed.location}: ${problems[0]} (${problems.length} in all)`);
  };
  return async () => {
    if (feeds.length === 0 || Date.now() < next) return;
    next = Date.now() + INTERVAL;
    for (const feed of feeds) {
      try {
        await refresh(feed);
      } catch (error) {
        context.signal.throwIfAborted();
        context.log.warn(`advisories of ${feed.location} are as they were before: ${messageOf(error)}`);
      }
    }
    await noteFeeds(database, context.home);
  };
}
