import { type LayerCompression, MediaType } from '../../oci/index.ts';

const TYPES: Readonly<Record<LayerCompression, string>> = {
  none: MediaType.layer,
  gzip: MediaType.layerGzip,
  zstd: MediaType.layerZstd,
};

/** Media type of a layer that we compressed. */
export const layerTypeOf = (compression: LayerCompression): string => TYPES[compression];
