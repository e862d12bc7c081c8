import { isIndexType, isManifestType } from './media-types.ts';
import {
  digest,
  invalid,
  type Json,
  list,
  object,
  optional,
  parseObject,
  size,
  text,
  textMap,
  texts,
  withoutNulls,
} from './shape.ts';
import type { Descriptor, ImageIndex, ImageManifest } from './types.ts';

/** Container engines stop at 127 layers; artifacts may have more. */
const MAX_LAYERS = 1000;
const MAX_MANIFESTS = 10_000;
const MAX_URLS = 100;
/** RFC 6838, 4.2 */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

function mediaType(value: unknown, where: string): void {
  if (!MEDIA_TYPE.test(text(value, where))) invalid(where, 'not a media type');
}

function platform(value: unknown, where: string): void {
  const members = object(value, where);
  text(members.os, `${where}.os`);
  text(members.architecture, `${where}.architecture`);
  optional(members, where, { variant: text });
}

function descriptor(value: unknown, where: string): Descriptor {
  const members = withoutNulls(object(value, where));
  mediaType(members.mediaType, `${where}.mediaType`);
  digest(members.digest, `${where}.digest`);
  size(members.size, `${where}.size`);
  optional(members, where, {
    annotations: textMap,
    platform,
    artifactType: text,
    urls: (urls, at) => void texts(urls, at, MAX_URLS),
  });
  return members as unknown as Descriptor;
}

function common(members: Json, where: string): Json {
  if (members.schemaVersion === 1) invalid(where, 'Docker schema 1, which registries stopped serving; push it again');
  if (members.schemaVersion !== 2) invalid(`${where}.schemaVersion`, 'not 2');
  optional(members, where, { annotations: textMap, artifactType: text });
  if (members.subject === undefined) return members;
  return { ...members, subject: descriptor(members.subject, `${where}.subject`) };
}

/** A document that could be read both as manifest and index is refused (CVE-2021-41190). */
function refuseMembers(members: Json, where: string, foreign: readonly string[]): void {
  const found = foreign.find((key) => members[key] !== undefined);
  if (found !== undefined) invalid(where, `has the member ${found}, which belongs to another document type`);
}

/**
 * An image manifest (image-spec manifest.md, or Docker schema 2); members we do not know are kept.
 * @throws OCI_MANIFEST_INVALID, OCI_MANIFEST_TOO_LARGE
 */
export function parseManifest(bytes: Uint8Array): ImageManifest {
  const where = 'manifest';
  const members = common(withoutNulls(parseObject(bytes, where)), where);
  refuseMembers(members, where, ['manifests', 'fsLayers']);
  if (members.mediaType !== undefined && !isManifestType(text(members.mediaType, `${where}.mediaType`))) {
    invalid(`${where}.mediaType`, `${JSON.stringify(members.mediaType)} is no image manifest`);
  }
  const layers = list(members.layers ?? null, `${where}.layers`, MAX_LAYERS);
  return {
    ...members,
    schemaVersion: 2,
    config: descriptor(members.config, `${where}.config`),
    layers: layers.map((layer, index) => descriptor(layer, `${where}.layers[${index}]`)),
  };
}

/**
 * An image index (image-spec image-index.md, or a Docker manifest list); members we do not know are kept.
 * @throws OCI_MANIFEST_INVALID, OCI_MANIFEST_TOO_LARGE
 */
export function parseIndex(bytes: Uint8Array): ImageIndex {
  const where = 'index';
  const members = common(withoutNulls(parseObject(bytes, where)), where);
  refuseMembers(members, where, ['layers', 'config', 'fsLayers']);
  if (members.mediaType !== undefined && !isIndexType(text(members.mediaType, `${where}.mediaType`))) {
    invalid(`${where}.mediaType`, `${JSON.stringify(members.mediaType)} is no image index`);
  }
  if (members.manifests === undefined) invalid(where, 'has no manifests');
  const manifests = list(members.manifests, `${where}.manifests`, MAX_MANIFESTS);
  return {
    ...members,
    schemaVersion: 2,
    manifests: manifests.map((manifest, index) => descriptor(manifest, `${where}.manifests[${index}]`)),
  };
}
