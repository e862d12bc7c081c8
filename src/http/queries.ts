import type { Diff, Fleet, Layers, Outdated, Plan, Where, Workloads } from './contract.ts';

export interface WhereQuery {
  readonly package: string;
  /** Range such as `<< 3.0.11-1`. */
  readonly version?: string;
  /** Glob over references. */
  readonly image?: string;
}

/** What the API, the UI and the command line ask a fleet; answered by the engine here or by another process. */
export interface FleetQueries {
  fleet(): Promise<Fleet>;
  /** All images, or the one named by name, reference or digest. @throws HTTP_NOT_FOUND */
  outdated(image?: string): Promise<Outdated>;
  plan(): Promise<Plan>;
  where(query: WhereQuery): Promise<Where>;
  /** @throws HTTP_NOT_FOUND */
  layers(image: string): Promise<Layers>;
  /** @throws HTTP_NOT_FOUND */
  diff(from: string, to: string): Promise<Diff>;
  workloads(): Promise<Workloads>;
}
