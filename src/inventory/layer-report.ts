import type { ImageContents, LayerContents } from './types.ts';

export interface LayerReport {
  readonly layers: readonly LayerContents[];
  /** Bytes of file contents of all layers. */
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly wastedBytes: number;
  /** Share of the shipped bytes that the finished image shows, 0…1; 1 for an empty image. */
  readonly efficiency: number;
}

/** What each layer adds and how much of what is shipped nobody ever sees. */
export function layerReport(contents: ImageContents): LayerReport {
  const sum = (member: (layer: LayerContents) => number): number =>
    contents.layers.reduce((total, layer) => total + member(layer), 0);
  const bytes = sum((layer) => layer.bytes);
  const wasted = sum((layer) => layer.wastedBytes);
  return {
    layers: contents.layers,
    bytes,
    compressedBytes: sum((layer) => layer.compressedBytes),
    wastedBytes: wasted,
    efficiency: bytes === 0 ? 1 : (bytes - wasted) / bytes,
  };
}
