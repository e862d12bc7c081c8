export type { EventSink, HeraklitEvent } from './envelope.ts';
