/** CloudEvents 1.0, JSON format: what leaves heraklit on every transport. */
export interface HeraklitEvent<Data = unknown> {
  readonly specversion: '1.0';
  /** Deterministic (same step on same content → same id), so that a resumed step announces nothing twice. */
  readonly id: string;
  /** `/heraklit/<home id>` */
  readonly source: string;
  /** `io.heraklit.image.outdated`, … : `io.heraklit.` + routing key without namespace. */
  readonly type: string;
  /** Image reference, repository id or run id the event is about. */
  readonly subject: string;
  /** RFC 3339, when the state was committed. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Data;
  /** Extension attribute: position in this home's outbox, strictly increasing in commit order. */
  readonly sequence: number;
}

/** Something that takes events: terminal, RabbitMQ, HTTP stream, webhook. Resolves only when the event is safe there. */
export interface EventSink {
  /** Also the name its position is kept under. */
  readonly name: string;
  /** True for one that only wants what happens from now on and keeps no position (a terminal, a browser). */
  readonly ephemeral?: boolean;
  deliver(events: readonly HeraklitEvent[]): Promise<void>;
  close(): Promise<void>;
}
