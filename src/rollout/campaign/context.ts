import type { DatabaseTransaction } from '../../database/index.ts';
import type { FleetZone } from '../../recipe/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import type { RollOutContext } from '../survey.ts';
import type { Campaign } from './record.ts';

export interface CarryContext extends RollOutContext {
  /** Has the stage tags. */
  readonly catalogue?: RegistryCatalogue;
  /** Copies an image to the registry of a zone; without it images are taken to be there. */
  readonly deliver?: (zone: FleetZone, campaign: Campaign, signal: AbortSignal) => Promise<void>;
  /** Its image proved bad: what takes its release back, in the transaction that ends the rollout. */
  readonly undoRelease?: (campaign: Campaign) => Promise<(trx: DatabaseTransaction) => Promise<void>>;
  /** Attempts of what fails with a retryable error, each later than the one before; 1 when undefined. */
  readonly attempts?: number;
}
