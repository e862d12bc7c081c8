export type { Database, DatabaseKind, DatabaseReader, DatabaseTransaction, RawSql } from './database.ts';
export { databaseError, databaseErrors } from './errors.ts';
export type { Channel, Unlisten } from './listen.ts';
export { type DatabaseOptions, openDatabase } from './open.ts';
export { refuseInsideTransaction } from './open-scope.ts';
export { plannedOnce } from './planned-once.ts';
export type {
  AccountTable,
  FleetImageTable,
  MetadataTable,
  OutboxCursorTable,
  OutboxTable,
  QuarantineTable,
  RolloutCampaignTable,
  RunTable,
  Schema,
  TaskTable,
} from './schema/index.ts';
export { type BulkType, unnest } from './unnest.ts';
