/** Media types of the OCI image specification 1.1 and Docker schema 2, as they stand in descriptors. */
export const MediaType = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

export type LayerCompression = 'none' | 'gzip' | 'zstd';

const MANIFESTS: ReadonlySet<string> = new Set([MediaType.manifest, MediaType.dockerManifest]);
const INDEXES: ReadonlySet<string> = new Set([MediaType.index, MediaType.dockerManifestList]);

export const isManifestType = (mediaType: string): boolean => MANIFESTS.has(mediaType);
export const isIndexType = (mediaType: string): boolean => INDEXES.has(mediaType);

/** How a layer of this media type is compressed; undefined for a media type that is no layer we can read. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  switch (mediaType) {
    case MediaType.layer:
    case MediaType.dockerLayer:
      return 'none';
    case MediaType.layerGzip:
    case MediaType.dockerLayerGzip:
      return 'gzip';
    case MediaType.layerZstd:
      return 'zstd';
    default:
      return undefined;
  }
}
