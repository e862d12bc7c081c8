import type { AccessSchema } from './access.ts';
import type { AdvisoriesSchema } from './advisories.ts';
import type { AnalysisSchema } from './analysis.ts';
import type { CrawlSchema } from './crawl.ts';
import type { EngineSchema } from './engine.ts';
import type { EventsSchema } from './events.ts';
import type { HostsSchema } from './hosts.ts';
import type { InventorySchema } from './inventory.ts';
import type { RegistrySchema } from './registry.ts';
import type { RolloutSchema } from './rollout.ts';
import type { SourcesSchema } from './sources.ts';
import type { VerificationsSchema } from './verifications.ts';

/** Every table of the database. A table's row type stands in the file of the area that owns it. */
export type Schema = EventsSchema &
  RegistrySchema &
  InventorySchema &
  EngineSchema &
  RolloutSchema &
  AccessSchema &
  AdvisoriesSchema &
  AnalysisSchema &
  CrawlSchema &
  HostsSchema &
  SourcesSchema &
  VerificationsSchema;

export type { AccountTable } from './access.ts';
export type { FleetImageTable, QuarantineTable, RunTable, TaskTable } from './engine.ts';
export type { MetadataTable, OutboxCursorTable, OutboxTable } from './events.ts';
export type { RolloutCampaignTable } from './rollout.ts';
