import type { Progress } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Digest, ImageIndex } from '../../oci/index.ts';
import type { BlobStore, OtherFile, StoredBlob } from '../../storage/index.ts';
import { readUsage, type Usage } from '../quota/usage.ts';
import type { RepositoryDecision } from '../retention/decide.ts';
import type { RunningReferences } from '../retention/load.ts';
import { applyRetention, type RetainReport } from '../retention/retain.ts';
import type { RetentionRule } from '../retention/rules.ts';
import { type CollectReport, collectGarbage } from './collect.ts';
import type { NeededImages } from './needed.ts';
import { fillInSizes } from './sizes.ts';
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
  readonly running: RunningReferences;
  /** Repositories that fetch from elsewhere what is asked for. */
  readonly mirrored?: (repository: string) => boolean;
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

export interface RetainRequest {
  readonly rules: readonly RetentionRule[];
  readonly dryRun?: boolean;
}

/** What retention did, with every tag of the repositories that a rule fits. */
export interface RetainAnswer extends RetainReport {
  /** At most 100,000 tags and manifests in all. */
  readonly decisions: readonly RepositoryDecision[];
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
  retain(request: RetainRequest, watch?: Watch): Promise<RetainAnswer>;
  usage(): Promise<Usage>;
}

export function createMaintenance(options: MaintenanceOptions): RegistryMaintenance {
  const { database, store, needed, running, layout } = options;
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
    async retain(request, watch = {}) {
      const decisions: RepositoryDecision[] = [];
      let room = LISTED;
      const decided = (decision: RepositoryDecision): void => {
        room -= decision.tags.length + decision.manifests.length;
        if (room >= 0) decisions.push(decision);
      };
      const report = await applyRetention({ database, store, needed, running, ...request, ...watch, decided });
      return { ...report, decisions };
    },
    async usage() {
      await fillInSizes(database, store);
      return readUsage(database);
    },
    verify: (request, watch = {}) =>
      verifyRegistry({
        ...{ database, store, ...request, ...watch },
        ...(options.mirrored === undefined ? {} : { mirrored: options.mirrored }),
        ...(layout === undefined
          ? {}
          : { layout: () => layout.index(), audit: () => layout.audit(), setAside: layout.setAside }),
      }),
  };
}
