/** How the health of a rollout is measured at each of its steps. Times are seconds; files lie beside the fleet file. */
export interface AnalysisSettings {
  /** Before the first measurement; 10 by default. */
  readonly warmup?: number;
  /** Between two measurements; 30 by default. */
  readonly interval?: number;
  /** Measurements that must say something, of each metric; 5 by default. */
  readonly count?: number;
  /** Bad measurements of one metric that are put up with; 1 by default. One more, and it is taken back. */
  readonly failureLimit?: number;
  /** Measurements of one metric without an answer that are put up with; 5 by default. */
  readonly inconclusiveLimit?: number;
  /** After those: taken back (the default, the image is not blamed), held for as long as it takes, or on. */
  readonly onInconclusive?: 'back' | 'hold' | 'go';
  readonly metrics: readonly AnalysisMetric[];
}

/** Exactly one source, and at least one of `min`, `max` and `compare`. */
export interface AnalysisMetric extends MetricChecks {
  readonly name: string;
  readonly prometheus?: PrometheusSource;
  readonly http?: HttpSource;
  readonly logs?: LogSource;
  /** Times that the new side's container was started again, all copies together; has nothing to be compared with. */
  readonly restarts?: true;
}

export interface MetricChecks {
  readonly min?: number;
  readonly max?: number;
  readonly compare?: Comparison;
}

/** The new side against the old one. It is bad when it is worse by more than the factor and by more than the difference. */
export interface Comparison {
  /** Which way is worse; `higher` by default (errors, latency). */
  readonly worse?: 'higher' | 'lower';
  readonly factor?: number;
  readonly difference?: number;
}

export interface Endpoint {
  /** http or https, without user and password. */
  readonly url: string;
  readonly auth?: EndpointAuth;
  /** PEM of the authorities that its certificate may come from. */
  readonly caFile?: string;
  /** PEM, where the endpoint wants a certificate of ours. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Its certificate need not verify. */
  readonly insecure?: boolean;
  /** Of one answer; 10 by default. */
  readonly timeout?: number;
}

/** A token (`Authorization: Bearer`, or as it is in another header) or a user with a password. Read for each question. */
export interface EndpointAuth {
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  readonly header?: string;
  readonly username?: string;
  readonly passwordEnv?: string;
  readonly passwordFile?: string;
}

export interface PrometheusSource extends Endpoint {
  /** PromQL with placeholders; one number comes out. `{{side.…}}` is filled in for each side. */
  readonly query: string;
  /** How much a side's value is founded on (requests in the window): below `min` it says nothing. */
  readonly samples?: { readonly query: string; readonly min: number };
}

export interface HttpSource extends Endpoint {
  /** JSON pointer (RFC 6901) to a number; the whole answer when empty. */
  readonly pointer: string;
  readonly samples?: { readonly pointer: string; readonly min: number };
}

/** Matching lines per minute and copy. */
export interface LogSource {
  /** Regular expression. */
  readonly pattern: string;
  /** Looked back, never to before the step; 60 by default. */
  readonly window?: number;
}
