import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { isHeraklitError, messageOf } from '../../../base/index.ts';
import { rebuildError } from '../errors.ts';

/** Bytes of a description; those of whole distributions have 100,000. */
export const MAX_DESCRIPTION_BYTES = 4 * 1024 * 1024;
const MAX_ELEMENTS = 50_000;
const MAX_DEPTH = 32;

/** Kinds of images that kiwi calls containers; all others are disks, which heraklit does not build. */
export const CONTAINER_TYPES = ['docker', 'oci'] as const;
export type ContainerType = (typeof CONTAINER_TYPES)[number];

/** What kiwi makes of a description, where its profiles choose that. */
export interface KiwiType {
  readonly image: ContainerType;
  /** `derived_from`: the image below, as the description says it. */
  readonly derivedFrom: string | undefined;
}

export interface KiwiRepository {
  readonly alias: string | undefined;
  readonly url: string;
}

/** A KIWI description, as far as heraklit must know it: kiwi reads the rest (osinside.github.io/kiwi, "Image Description"). */
export interface ReadDescription {
  readonly text: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly packageManager: string | undefined;
  readonly type: KiwiType;
  /** Those that are built, of all that it has. */
  readonly profiles: readonly string[];
  readonly repositories: readonly KiwiRepository[];
  /** Names that it lists for installation. */
  readonly packages: readonly string[];
  /** The image it is derived from, as other recipes name theirs. */
  readonly uses: readonly { readonly name: string; readonly platform: undefined }[];
  readonly urls: readonly string[];
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Of this element, or of the nearest around it that names some. */
  readonly profiles: readonly string[] | undefined;
  text: string;
}

interface Found {
  readonly image: Record<string, string>;
  readonly types: Element[];
  readonly defined: { readonly name: string; readonly imported: boolean }[];
  readonly texts: Map<string, string>;
  readonly repositories: { readonly alias: string | undefined; url: string; readonly profiles: Element['profiles'] }[];
  readonly packages: { readonly name: string; readonly profiles: Element['profiles'] }[];
}

const invalid = (why: string, hint?: string): Error =>
  rebuildError(
    'REBUILD_DESCRIPTION_INVALID',
    `the KIWI description cannot be built: ${why}`,
    hint === undefined ? {} : { hint },
  );

/**
 * What a KIWI description names: its type, profiles, repositories, packages, the image it is derived from.
 * @param profiles to build; none: those that it imports by default
 * @throws REBUILD_DESCRIPTION_INVALID
 */
export function readDescription(text: string, profiles: readonly string[] = []): ReadDescription {
  const found = parse(text);
  const known = found.defined.map(({ name }) => name);
  const unknown = profiles.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw invalid(`it has no profile ${unknown}`, known.length === 0 ? undefined : `It has ${known.join(', ')}.`);
  }
  const chosen =
    profiles.length > 0 ? profiles : found.defined.filter(({ imported }) => imported).map(({ name }) => name);
  const active = ({ profiles: own }: { readonly profiles: Element['profiles'] }): boolean =>
    own === undefined || own.some((name) => chosen.includes(name));
  const { name } = found.image;
  if (name === undefined || !/^[\w][\w.+-]{0,127}$/.test(name)) throw invalid('its image has no usable name');
  const type = typeOf(found.types.filter(active));
  const repositories = found.repositories.filter(active).map(({ alias, url }) => ({ alias, url }));
  for (const repository of repositories) checkRepository(repository);
  return {
    text,
    name,
    version: found.texts.get('version'),
    packageManager: found.texts.get('packagemanager'),
    type,
    profiles: chosen,
    repositories,
    packages: [...new Set(found.packages.filter(active).map((one) => one.name))].sort(),
    uses: type.derivedFrom === undefined ? [] : [{ name: imageName(type.derivedFrom), platform: undefined }],
    urls: [],
  };
}

/** Exactly one container type: the primary one of several, as kiwi takes it. */
function typeOf(types: readonly Element[]): KiwiType {
  const containers = types.filter(({ attributes }) => isContainer(attributes.image));
  const [only, another] =
    containers.length > 1 && containers.some(({ attributes }) => attributes.primary === 'true')
      ? containers.filter(({ attributes }) => attributes.primary === 'true')
      : containers;
  if (only === undefined) {
    const others = [...new Set(types.map(({ attributes }) => attributes.image ?? '?'))].join(', ');
    throw invalid(
      others === ''
        ? 'it has no type'
        : `it makes ${others}, and only ${CONTAINER_TYPES.join(' and ')} are container images`,
      'Choose with --profile where several types stand in profiles.',
    );
  }
  if (another !== undefined) throw invalid('several of its types are container images', 'Choose with --profile.');
  return { image: only.attributes.image as ContainerType, derivedFrom: only.attributes.derived_from };
}

const isContainer = (image: string | undefined): boolean =>
  (CONTAINER_TYPES as readonly (string | undefined)[]).includes(image);

/**
 * `docker://HOST/NAME:TAG`, `docker:NAME`, `oci-archive:FILE`, a file beside the description. What only the build service
 * knows (`obs:`, `obsrepositories:`) has no place that could be pinned.
 */
function imageName(derivedFrom: string): string {
  const docker = /^(?:docker|containers-storage):(?:\/\/)?(.+)$/.exec(derivedFrom)?.[1];
  if (docker !== undefined) return docker;
  if (/^(?:oci|oci-archive|docker-archive):[^/]/.test(derivedFrom)) return derivedFrom;
  if (/^(?:oci|oci-archive|docker-archive):\/[^/]/.test(derivedFrom)) return derivedFrom;
  const [, file = '', tag] = /^(?:this|file|dir):\/\/([^#]+)(?:#(.+))?$/.exec(derivedFrom) ?? [];
  if (file !== '') return `oci-archive:${file}${tag === undefined ? '' : `:${tag}`}`;
  throw invalid(
    `it is derived from ${derivedFrom.slice(0, 200)}, which names no image that can be pinned`,
    'Name the image as docker://HOST/NAME:TAG, or as a file beside the description (this://, oci-archive:).',
  );
}

function checkRepository({ url }: KiwiRepository): void {
  if (/^(?:https?|obs):\/\//.test(url) || url.startsWith('this://')) return;
  throw invalid(
    `its repository ${url.slice(0, 200)} is neither http, https, obs nor beside it (this://)`,
    'What lies on a machine cannot be locked; serve it, or keep it beside the description.',
  );
}

/** Elements that would bring in other files: what they say is not seen here, and not part of what is locked. */
const REFUSED: ReadonlySet<string> = new Set(['include']);

function parse(text: string): Found {
  if (Buffer.byteLength(text) > MAX_DESCRIPTION_BYTES) throw invalid(`it has more than ${MAX_DESCRIPTION_BYTES} bytes`);
  const found: Found = { image: {}, types: [], defined: [], texts: new Map(), repositories: [], packages: [] };
  const open: Element[] = [];
  let elements = 0;
  const parser = new SaxesParser();
  parser.on('doctype', () => {
    throw invalid('it has a document type, which kiwi’s schema does not know', 'Remove the DOCTYPE.');
  });
  parser.on('opentag', (tag: SaxesTagPlain) => {
    elements += 1;
    if (elements > MAX_ELEMENTS) throw invalid(`it has more than ${MAX_ELEMENTS} elements`);
    if (open.length >= MAX_DEPTH) throw invalid(`its elements lie more than ${MAX_DEPTH} deep`);
    const { name, attributes } = tag;
    if (REFUSED.has(name))
      throw invalid(`it has <${name}>, which brings in another file`, 'Put everything into one file.');
    if (open.length === 0 && name !== 'image') throw invalid(`it begins with <${name}>, not with <image>`);
    const profiles = attributes.profiles?.split(',').map((one) => one.trim()) ?? open.at(-1)?.profiles;
    const element: Element = { name, attributes, profiles, text: '' };
    take(found, element, open.at(-1));
    open.push(element);
  });
  parser.on('text', (part) => {
    const top = open.at(-1);
    if (top !== undefined) top.text += part;
  });
  parser.on('closetag', () => {
    const { name, text: content } = open.pop() as Element;
    if (open.at(-1)?.name === 'preferences' && !found.texts.has(name)) found.texts.set(name, content.trim());
  });
  try {
    parser.write(text).close();
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw invalid(`it is no readable XML: ${messageOf(error).slice(0, 200)}`);
  }
  return found;
}

function take(found: Found, element: Element, parent: Element | undefined): void {
  const { name, attributes, profiles } = element;
  switch (name) {
    case 'image':
      if (parent === undefined) Object.assign(found.image, attributes);
      return;
    case 'profile':
      if (attributes.name !== undefined)
        found.defined.push({ name: attributes.name, imported: attributes.import === 'true' });
      return;
    case 'type':
      if (parent?.name === 'preferences') found.types.push(element);
      return;
    case 'repository':
      found.repositories.push({ alias: attributes.alias, url: '', profiles });
      return;
    case 'source': {
      const repository = found.repositories.at(-1);
      if (parent?.name === 'repository' && repository !== undefined) repository.url = attributes.path ?? '';
      return;
    }
    case 'package':
      if (
        attributes.name !== undefined &&
        parent?.attributes.type !== 'delete' &&
        parent?.attributes.type !== 'uninstall'
      )
        found.packages.push({ name: attributes.name, profiles });
  }
}
