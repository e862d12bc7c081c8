import type { Progress } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Digest, ImageIndex } from '../../oci/index.ts';
import type { BlobStore, OtherFile, StoredBlob } from '../../storage/index.ts';
import { type CollectReport, collectGarbage } from './collect.ts';
import type { NeededImages } from './needed.ts';
import { type Part, type VerifyReport, verifyRegistry } from './verify.ts';

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
  /** Of a store that is a folder. */
  readonly layout?: LayoutTools;
}

/** What can be said and done of a store that is an OCI layout on disk. */
export interface LayoutTools {
  /** @throws STORAGE_LAYOUT_INVALID */
  index(): Promise<ImageIndex>;
  audit(): AsyncIterable<OtherFile>;
  setAside(digest: Digest, modified: number): Promise<string | undefined>;
}

export interface VerifyRequest {
  /** Only blobs written or renewed since, in ms since the epoch. */
  readonly since?: number;
  readonly part?: Part;
  readonly repair?: boolean;
}

/** How one watches a long step, and ends it. */
export interface Watch {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What keeps a registry small and sound. In the process that has the database; others ask it over HTTP. */
export interface RegistryMaintenance {
  collect(request: CollectRequest, watch?: Watch): Promise<CollectAnswer>;
  verify(request: VerifyRequest, watch?: Watch): Promise<VerifyReport>;
}

export function createMaintenance(options: MaintenanceOptions): RegistryMaintenance {
  const { database, store, needed, layout } = options;
  return {
    async collect({ grace, dryRun }, watch = {}) {
      const blobs: StoredBlob[] = [];
      const report = await collectGarbage({
        ...{ database, store, needed, ...watch },
        ...(layout === undefined ? {} : { pinned: (await layout.index()).manifests.map(({ digest }) => digest) }),
        ...(grace === undefined ? {} : { grace: grace * 1_000 }),
        ...(dryRun === undefined ? {} : { dryRun }),
        freed: (page) => blobs.push(...page.slice(0, LISTED - blobs.length)),
      });
      return { ...report, blobs };
    },
    verify: (request, watch = {}) =>
      verifyRegistry({
        ...{ database, store, ...request, ...watch },
        ...(layout === undefined
          ? {}
          : { layout: () => layout.index(), audit: () => layout.audit(), setAside: layout.setAside }),
      }),
  };
}
