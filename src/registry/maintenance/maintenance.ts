import type { Progress } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore, StoredBlob } from '../../storage/index.ts';
import { type CollectReport, collectGarbage } from './collect.ts';
import type { NeededImages } from './needed.ts';

/** Blobs listed one by one in a report; the sums count all. */
const LISTED = 100_000;

export interface CollectRequest {
  /** Seconds. */
  readonly grace?: number;
  readonly dryRun?: boolean;
}

/** What a collection did, with the blobs it freed or would free, by digest. */
export interface CollectAnswer extends CollectReport {
  /** At most 100,000 of them. */
  readonly blobs: readonly StoredBlob[];
}

export interface MaintenanceOptions {
  readonly database: Database;
  readonly store: BlobStore;
  readonly needed: NeededImages;
  /** Images that stand in the store's own index.json. */
  readonly pinned: () => Promise<readonly Digest[]>;
}

/** How one watches a long step, and ends it. */
export interface Watch {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What keeps a registry small and sound. In the process that has the database; others ask it over HTTP. */
export interface RegistryMaintenance {
  collect(request: CollectRequest, watch?: Watch): Promise<CollectAnswer>;
}

export function createMaintenance(options: MaintenanceOptions): RegistryMaintenance {
  const { database, store, needed } = options;
  return {
    async collect({ grace, dryRun }, watch = {}) {
      const blobs: StoredBlob[] = [];
      const report = await collectGarbage({
        ...{ database, store, needed, pinned: await options.pinned(), ...watch },
        ...(grace === undefined ? {} : { grace: grace * 1_000 }),
        ...(dryRun === undefined ? {} : { dryRun }),
        freed: (page) => blobs.push(...page.slice(0, LISTED - blobs.length)),
      });
      return { ...report, blobs };
    },
  };
}
