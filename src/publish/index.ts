export { type Attached, attachedTo, attachedUnder, NOTHING_ATTACHED, storeAttachments } from './attachments.ts';
export { isUnchanged, type PublishedImage, readPublished } from './content.ts';
export { unchangedEvent } from './events.ts';
export { type Publisher, publishCandidates, releaseImages, restoreTag, summaryOf } from './publish.ts';
export {
  liftQuarantine,
  listQuarantine,
  type NewQuarantine,
  type QuarantineEntry,
  quarantine,
  quarantined,
  quarantinedAmong,
} from './quarantine.ts';
export type { BuildSummary, Candidate, Place, Release } from './types.ts';
