import type { ImageBase } from './base-contract.ts';
import type {
  Diff,
  Explanation,
  Fleet,
  FleetChanges,
  FleetTotals,
  History,
  Layers,
  MovedReferences,
  Outdated,
  Plan,
  Where,
  WhereAdvisory,
  WhereDigest,
  WhereFile,
} from './contract.ts';
import type { Sources } from './sources-contract.ts';
import type { Workloads } from './workloads-contract.ts';

/** What every question that is answered in pages takes. */
export interface PageQuery {
  /** Rows at most; 1,000 where nothing is said, 10,000 at most. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** `loaded`: in a container now; `entrypoint`: that, or linked by the entry point; `linked`: by anything, or not known. */
export type UsageFilter = 'entrypoint' | 'linked' | 'loaded';

/** Of images; a glob over references. */
interface ImagesQuery extends PageQuery {
  readonly image?: string;
}

export interface WhereQuery extends ImagesQuery {
  readonly package: string;
  /** Range such as `<< 3.0.11-1`. */
  readonly version?: string;
  /** `deb`, `rpm`, `npm`, … */
  readonly type?: string;
  readonly usage?: UsageFilter;
}

/** One of the three. */
export interface WhereFileQuery extends ImagesQuery {
  /** `/usr/bin/curl`, a name in any folder, or a glob. */
  readonly path?: string;
  readonly soname?: string;
  /** Hexadecimal sha256 of the content. */
  readonly sha256?: string;
}

export interface WhereDigestQuery extends ImagesQuery {
  readonly digest: string;
}

export interface WhereAdvisoryQuery extends ImagesQuery {
  /** A CVE id, or an advisory's own. */
  readonly advisory: string;
  readonly state?: 'missing' | 'affected' | 'fixed';
}

export interface OutdatedQuery extends PageQuery {
  /** Name, reference or digest of the one image that is asked about; the rest is then left out. */
  readonly image?: string;
  readonly glob?: string;
  readonly distribution?: string;
  /** At least. */
  readonly severity?: 'critical' | 'important';
  readonly security?: boolean;
  readonly usage?: UsageFilter;
  /** RFC 3339: updates published then or later. */
  readonly since?: string;
}

export interface HistoryQuery extends PageQuery {
  /** Name, reference or digest. */
  readonly image: string;
}

export interface ChangesQuery extends ImagesQuery {
  /** RFC 3339 */
  readonly from: string;
  readonly to: string;
}

/** What the API, the UI and the command line ask a fleet; answered by the engine here or by another process. */
export interface FleetQueries {
  fleet(): Promise<Fleet>;
  /** The fleet in numbers, whatever its size. */
  totals(): Promise<FleetTotals>;
  /** @throws HTTP_NOT_FOUND where one image is asked about */
  outdated(query?: OutdatedQuery): Promise<Outdated>;
  plan(): Promise<Plan>;
  where(query: WhereQuery): Promise<Where>;
  whereFile(query: WhereFileQuery): Promise<WhereFile>;
  whereDigest(query: WhereDigestQuery): Promise<WhereDigest>;
  whereAdvisory(query: WhereAdvisoryQuery): Promise<WhereAdvisory>;
  /** @throws HTTP_NOT_FOUND */
  history(query: HistoryQuery): Promise<History>;
  /** How the fleet differs between two times, package by package. */
  changes(query: ChangesQuery): Promise<FleetChanges>;
  /** The references that moved between two times. */
  moved(query: ChangesQuery): Promise<MovedReferences>;
  /** What was made of an image, why and how. @throws HTTP_NOT_FOUND */
  explain(query: HistoryQuery): Promise<Explanation>;
  /** What an image stands on, as far as it is recognised. @throws HTTP_NOT_FOUND */
  base(image: string): Promise<ImageBase>;
  /** @throws HTTP_NOT_FOUND */
  layers(image: string): Promise<Layers>;
  /** @throws HTTP_NOT_FOUND */
  diff(from: string, to: string): Promise<Diff>;
  workloads(): Promise<Workloads>;
  /** What is crawled time and again, and how that goes. */
  sources(): Promise<Sources>;
}
