import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { CliContext } from './context.ts';
import { openMaintenance } from './registry-maintenance.ts';
import type { CollectionObserver } from './serve-operations.ts';

/** Seconds between two collections of `serve`. */
const DEFAULT_INTERVAL = 86_400;

/**
 * Applies the fleet's retention rules and collects garbage, time and again, until the process is told to end. Only
 * where the fleet file says `registry.collect`: nobody's images go because of a default.
 */
export async function keepRegistrySmall(
  fleet: LoadedFleet,
  database: Database,
  context: CliContext,
  metrics: CollectionObserver,
): Promise<void> {
  const { collect, retention: rules = [] } = fleet.document.registry ?? {};
  if (collect === undefined) return;
  const { signal, log } = context;
  const { interval = DEFAULT_INTERVAL, grace } = collect;
  const maintenance = await openMaintenance(context, database);
  while (!signal.aborted) {
    await sleep(interval * 1_000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      if (rules.length > 0) {
        const { removed } = await maintenance.retain({ rules }, { signal });
        log.info(`retention removed ${removed.tags} tags and ${removed.manifests} manifests`);
      }
      const started = performance.now();
      const { freed } = await maintenance.collect(grace === undefined ? {} : { grace }, { signal });
      metrics.collected({ ...freed, seconds: (performance.now() - started) / 1_000 });
      log.info(`collection freed ${freed.blobs} blobs, ${freed.bytes} bytes`);
    } catch (error) {
      if (signal.aborted) return;
      metrics.collectionFailed();
      log.error(`looking after the registry failed: ${messageOf(error)}`);
    }
  }
}
