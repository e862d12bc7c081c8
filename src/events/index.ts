export type { EventSink, HeraklitEvent } from './envelope.ts';

export { type EventType, emit, type NewEvent, OUTBOX_CHANNEL } from './outbox.ts';
export { DEFAULT_RETENTION_DAYS, type PruneOptions, pruneOutbox } from './prune.ts';
export { type ReadEventsOptions, readEvents } from './read.ts';
export { createRelay, type Relay, type RelayOptions } from './relay.ts';
export { type AmqpOptions, amqpSink, routingKey } from './sinks/amqp.ts';
export { type MemorySink, memorySink } from './sinks/memory.ts';
export { eventLine, terminalSink } from './sinks/terminal.ts';
export { type WebhookOptions, webhookSink } from './sinks/webhook.ts';
