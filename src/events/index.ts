export type { EventSink, HeraklitEvent } from './envelope.ts';
export { type EventType, emit, eventId, type NewEvent, OUTBOX_CHANNEL } from './outbox.ts';
export { READ_LIMIT, type ReadEventsOptions, readEvents } from './read.ts';
