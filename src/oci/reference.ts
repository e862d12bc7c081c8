import { type Digest, isDigest } from './digest.ts';
import { ociError } from './errors.ts';

/** skopeo-style transports; a text without a transport is a registry reference. */
export type Reference =
  | { readonly kind: 'oci'; readonly directory: string; readonly tag: string | undefined }
  | { readonly kind: 'oci-archive'; readonly file: string; readonly tag: string | undefined }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly tag: string | undefined }
  | { readonly kind: 'dir'; readonly root: string }
  | RegistryReference;

export interface RegistryReference {
  readonly kind: 'docker';
  /** host[:port] */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

/** distribution-spec 1.1: repository name and tag grammar. */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const HOST =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;

export const isRepositoryName = (text: string): boolean => text.length <= 255 && REPOSITORY.test(text);
export const isTag = (text: string): boolean => TAG.test(text);

function invalid(text: string, why: string): never {
  throw ociError('OCI_REFERENCE_INVALID', `cannot read the image reference ${JSON.stringify(text)}: ${why}`, {
    hint: 'Forms: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:ROOTFS, [docker://]HOST/REPOSITORY[:TAG|@DIGEST].',
  });
}

function splitTag(text: string, rest: string): { path: string; tag: string | undefined } {
  const colon = rest.lastIndexOf(':');
  const path = colon > 0 && !rest.slice(colon).includes('/') ? rest.slice(0, colon) : rest;
  const tag = path === rest ? undefined : rest.slice(colon + 1);
  if (path === '') invalid(text, 'the path is empty');
  if (tag !== undefined && !isTag(tag)) invalid(text, `${JSON.stringify(tag)} is not a tag`);
  return { path, tag };
}

function parseRegistry(text: string, rest: string): RegistryReference {
  const slash = rest.indexOf('/');
  if (slash < 1) invalid(text, 'a registry reference needs HOST/REPOSITORY');
  const registry = rest.slice(0, slash);
  if (!HOST.test(registry)) invalid(text, `${JSON.stringify(registry)} is not a host[:port]`);
  if (!/[.:[]/.test(registry) && registry !== 'localhost') {
    invalid(text, `${JSON.stringify(registry)} is not a registry host (no dot, no port); short names are not guessed`);
  }
  const at = rest.indexOf('@', slash);
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) invalid(text, `${JSON.stringify(digest)} is not a digest`);
  const named = rest.slice(slash + 1, at < 0 ? undefined : at);
  const colon = named.indexOf(':');
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (!isRepositoryName(repository)) invalid(text, `${JSON.stringify(repository)} is not a repository name`);
  if (tag !== undefined && !isTag(tag)) invalid(text, `${JSON.stringify(tag)} is not a tag`);
  return { kind: 'docker', registry, repository, tag, digest: digest as Digest | undefined };
}

/** @throws OCI_REFERENCE_INVALID */
export function parseReference(text: string): Reference {
  const transport = /^(oci|oci-archive|docker-archive|dir|docker):(.*)$/s.exec(text);
  if (transport === null) return parseRegistry(text, text);
  const kind = transport[1] as Reference['kind'];
  const rest = transport[2] as string;
  switch (kind) {
    case 'docker':
      if (!rest.startsWith('//')) invalid(text, 'docker: is followed by //');
      return parseRegistry(text, rest.slice(2));
    case 'dir':
      if (rest === '') invalid(text, 'the path is empty');
      return { kind, root: rest };
    case 'oci': {
      const { path, tag } = splitTag(text, rest);
      return { kind, directory: path, tag };
    }
    default: {
      const { path, tag } = splitTag(text, rest);
      return { kind, file: path, tag };
    }
  }
}

/** The text that `parseReference` reads back. */
export function formatReference(reference: Reference): string {
  switch (reference.kind) {
    case 'docker': {
      const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
      const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
      return `${reference.registry}/${reference.repository}${tag}${digest}`;
    }
    case 'dir':
      return `dir:${reference.root}`;
    case 'oci':
      return `oci:${reference.directory}${reference.tag === undefined ? '' : `:${reference.tag}`}`;
    default:
      return `${reference.kind}:${reference.file}${reference.tag === undefined ? '' : `:${reference.tag}`}`;
  }
}
