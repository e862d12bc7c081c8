import type { BuiltImage } from '../build/index.ts';
import type { Descriptor, Digest } from '../oci/index.ts';
import type { CatalogueEntry } from '../registry/index.ts';

/** Where an image of the fleet stands in our registry. */
export interface Place {
  /** Name in the fleet; the subject of its events. */
  readonly image: string;
  readonly repository: string;
  readonly tag: string;
}

/** A built image that is to be published. */
export interface Candidate extends Place {
  readonly built: BuiltImage;
  /** Digest its tag names now. */
  readonly previous: Digest | undefined;
  /** Statements about it, published with it. */
  readonly attached?: readonly CatalogueEntry[];
}

/** What events and later steps say of a candidate: the built image without its bytes. */
export interface BuildSummary {
  readonly strategy: BuiltImage['strategy'];
  readonly reason: string;
  readonly changes: BuiltImage['changes'];
  readonly advisoriesFixed: readonly string[];
  readonly statistics: BuiltImage['statistics'];
}

/** A verified candidate whose tag is to move to it. */
export interface Release extends Place {
  readonly descriptor: Descriptor;
  readonly previous: Digest | undefined;
  readonly summary: BuildSummary;
  /** Its signature, published before its tag moves. */
  readonly attached?: readonly CatalogueEntry[];
}
