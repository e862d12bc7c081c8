export interface WebhookDeliveryTable {
  readonly forge: string;
  readonly id: string;
  readonly received: Date;
}

/** An image whose source a webhook said to have changed. */
export interface SourceRefreshTable {
  readonly fleet: string;
  readonly image: string;
  readonly requested: Date;
}

/** What is to stand at a commit of an image's source. */
export interface CommitStatusTable {
  readonly fleet: string;
  readonly image: string;
  readonly commit: string;
  /** URL of the git repository. */
  readonly location: string;
  readonly state: string;
  readonly description: string;
  /** State and description that the forge has; null before the first. */
  readonly told: string | null;
  /** In vain, since it last changed. */
  readonly attempts: number;
  /** When it is to be told; null when that is done or given up. */
  readonly next: Date | null;
  readonly error: string | null;
  readonly updated: Date;
}

export interface SourcesSchema {
  readonly webhook_delivery: WebhookDeliveryTable;
  readonly source_refresh: SourceRefreshTable;
  readonly commit_status: CommitStatusTable;
}
