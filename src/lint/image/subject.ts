import type { ImageContents, LayerRecord } from '../../inventory/index.ts';

/** An image with all that rules look at. */
export interface ImageSubject {
  /** Tag it was asked for by; undefined by digest, or where the transport has none. */
  readonly tag: string | undefined;
  /** False where its name is not one of a registry: a layout's tag promises nothing to anybody. */
  readonly fromRegistry: boolean;
  readonly contents: ImageContents;
  /** Bottom first. */
  readonly records: readonly LayerRecord[];
}
