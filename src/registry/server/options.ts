import type { FastifyRequest } from 'fastify';
import type { Log } from '../../base/index.ts';
import type { DatabaseTransaction } from '../../database/index.ts';
import type { Descriptor } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { Published, RegistryCatalogue } from '../catalogue/catalogue.ts';
import type { RegistryMirror } from '../mirror/mirror.ts';
import type { RegistryQuota } from '../quota/quota.ts';
import type { RegistryLimits } from './limits.ts';

export type RegistryAction = 'pull' | 'push' | 'delete' | 'catalog';

/** What a request wants to do. */
export interface RegistryAccess {
  readonly action: RegistryAction;
  readonly repository: string | undefined;
  /** What else the same request needs, asked for on its own: a challenge names both, so that one token does. */
  readonly beside?: { readonly action: RegistryAction; readonly repository: string };
}

/**
 * What a pushed manifest may name without its being there. The specification leaves it to the registry: `index` takes
 * an index whose platforms are not all here (what a partial mirror pushes), `all` also missing config and layers.
 */
export type SparseManifests = 'none' | 'index' | 'all';

export interface RegistryServerOptions {
  readonly store: BlobStore;
  readonly catalogue: RegistryCatalogue;
  readonly limits?: Partial<RegistryLimits>;
  readonly log?: Log;
  /** `index` by default. */
  readonly sparse?: SparseManifests;
  /** Repositories that come from elsewhere; they cannot be pushed to. */
  readonly mirror?: RegistryMirror;
  /** What clients may put here; without it as much as the disk takes. */
  readonly quota?: RegistryQuota;
  /** Whether tags, manifests and blobs can be deleted; true by default, else such calls are answered 405. */
  readonly deletes?: boolean;
  /**
   * Runs inside the transaction that publishes a pushed manifest; what it writes with `trx` commits with the tag, and
   * when it throws the push fails.
   */
  readonly onPush?: (
    push: Published & { readonly descriptor: Descriptor },
    trx: DatabaseTransaction | undefined,
  ) => Promise<void>;
  /**
   * Says no by throwing REGISTRY_UNAUTHORIZED (its `details.challenge` becomes WWW-Authenticate) or REGISTRY_DENIED.
   * `repository` is undefined for `/v2/` itself and the catalog. Without it everybody may do everything.
   */
  readonly authorize?: (request: FastifyRequest, access: RegistryAccess) => Promise<void>;
}

/** What the handlers work with: options with their defaults filled in. */
export interface RegistryContext extends RegistryServerOptions {
  readonly limits: RegistryLimits;
  readonly log: Log;
}
