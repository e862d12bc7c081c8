export { isUnchanged, type PublishedImage, readPublished, sameContent } from './content.ts';
export { quarantinedEvent, releasedEvents, unchangedEvent } from './events.ts';
export { type Publisher, publishCandidates, releaseImages, summaryOf } from './publish.ts';
export { type Quarantine, quarantine, quarantineReasons } from './quarantine.ts';
export type { BuildSummary, Candidate, Place, Release } from './types.ts';
