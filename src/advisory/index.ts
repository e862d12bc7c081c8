export { isCve } from './clean.ts';
export {
  type AdvisoryEntry,
  type AdvisoryFacts,
  affecting,
  type CompareVersions,
  type Explained,
  explainUpdate,
  type InstalledNames,
  severityOfEntry,
  worseOf,
} from './match.ts';
export { normalisedLine, readNormalised } from './normalised.ts';
export { isImageNamed } from './purl.ts';
export { type OpenedDocument, openDocument } from './read.ts';
export {
  ADVISORY_TYPES,
  type Advisory,
  type AdvisorySeverity,
  type AdvisoryStatus,
  type AdvisoryType,
  type AffectedPackage,
  type Bytes,
  type ReadOptions,
} from './types.ts';
