import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { heldOf } from './deployers.ts';
import { edits, replaceScalar } from './edit.ts';
import { formatImageName, parseImageName, parseTagField } from './image-name.ts';
import { insideLiteral, literalText } from './literal.ts';
import {
  afterEquals,
  helmParameters,
  helmValues,
  jsonPatch,
  kustomizeEntry,
  kustomizeText,
  type Place,
  placeName,
  SETTER,
} from './place-forms.ts';

export type { Place } from './place-forms.ts';

const MAX_DOCUMENTS = 1_000;
const MAX_DEPTH = 60;

/**
 * Every image that a YAML file names: Kubernetes manifests (`image:` of containers, and of any other key), Kustomize
 * (`images:`), Helm values (`repository` with `tag` or `digest`), Flux setters (`# {"$imagepolicy": "NS:NAME[:tag|:name|:digest]"}`),
 * Argo CD Applications and `.argocd-source-*.yaml` (`kustomize.images`). Templates and broken YAML have none.
 * @see https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
 * @see https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources
 * @see https://argocd-image-updater.readthedocs.io/en/stable/basics/update-methods/
 */
export function findPlaces(text: string): readonly Place[] {
  return placesOf(text, parseFile(text));
}

/** Documents of a file; none where it is broken, a template, or has too many. */
export function parseFile(text: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { keepSourceTokens: true, uniqueKeys: false, logLevel: 'silent' });
  if (!Array.isArray(documents) || documents.length > MAX_DOCUMENTS) return [];
  return documents.some(({ errors }) => errors.length > 0) ? [] : (documents as readonly Document.Parsed[]);
}

export function placesOf(text: string, documents: readonly Document.Parsed[]): readonly Place[] {
  return unique(
    documents.flatMap((document) => {
      const found: Place[] = [];
      walk({ text, node: document.contents, path: [rootName(document)], depth: 0, found });
      const held = heldOf(document);
      return held === undefined ? found : found.map((place) => ({ ...place, held }));
    }),
  );
}

/** The same name twice (a document twice in a file) gets a number. */
function unique(places: readonly Place[]): readonly Place[] {
  const seen = new Map<string, number>();
  return places.map((place) => {
    const count = (seen.get(place.name) ?? 0) + 1;
    seen.set(place.name, count);
    return count === 1 ? place : { ...place, name: `${place.name}#${count}` };
  });
}

/** `Deployment/shop/web` of a Kubernetes object; '' of anything else. */
function rootName(document: Document.Parsed): string {
  const parts = [['kind'], ['metadata', 'namespace'], ['metadata', 'name']].map((path) => {
    const value = isMap(document.contents) ? document.getIn(path) : undefined;
    return typeof value === 'string' ? value : '';
  });
  return parts.filter((part) => part !== '').join('/');
}

interface Walk {
  readonly text: string;
  readonly node: unknown;
  readonly path: readonly string[];
  readonly depth: number;
  readonly found: Place[];
}

function walk(at: Walk): void {
  if (at.depth > MAX_DEPTH || isAlias(at.node)) return;
  if (isSeq(at.node)) walkList(at, at.node);
  else if (isMap(at.node)) walkMap(at, at.node);
}

function walkList({ path, depth, ...rest }: Walk, list: YAMLSeq): void {
  const { found } = rest;
  if (path.at(-1) === 'parameters' && path.at(-2) === 'helm') {
    found.push(...helmParameters(list, path));
    return;
  }
  for (const [index, item] of list.items.entries()) {
    const name = itemName(item, index);
    const value = isScalar(item) && path.at(-1) === 'images' ? kustomizeText(item, [...path, name]) : undefined;
    if (value !== undefined) found.push(value);
    else walk({ ...rest, node: item, path: [...path.slice(0, -1), `${path.at(-1)}[${name}]`], depth: depth + 1 });
  }
}

function walkMap({ path, depth, ...rest }: Walk, map: YAMLMap): void {
  const { text, found } = rest;
  const isEntry = path.at(-1)?.startsWith('images[') === true;
  const whole = isEntry ? kustomizeEntry(text, map, path) : (helmValues(map, path) ?? jsonPatch(map, path));
  if (whole !== undefined) found.push(whole);
  for (const { key: name, value } of map.items) {
    const below = [...path, isScalar(name) ? String(name.value) : ''];
    if (!isScalar(value)) walk({ ...rest, node: value, path: below, depth: depth + 1 });
    else if (whole === undefined) found.push(...scalarPlaces(text, value, map, below));
  }
}

function scalarPlaces(text: string, scalar: Scalar, map: YAMLMap, path: readonly string[]): readonly Place[] {
  if (isYamlText(path)) return insideText(text, scalar, path);
  const place = scalarPlace(scalar, map, path);
  return place === undefined ? [] : [place];
}

function itemName(item: unknown, index: number): string {
  const name = isMap(item)
    ? item.get('name')
    : isScalar(item)
      ? parseImageName(afterEquals(String(item.value)))?.repository
      : undefined;
  return typeof name === 'string' ? name : String(index);
}

/** `image: …`, and whatever a Flux setter stands beside. */
function scalarPlace(scalar: Scalar, map: YAMLMap, path: readonly string[]): Place | undefined {
  if (typeof scalar.value !== 'string') return undefined;
  const setter = SETTER.exec(scalar.comment ?? '');
  const part = setter?.[1];
  if (setter !== null && part !== undefined) return setterPart(scalar, map, path, part);
  if (setter === null && path.at(-1) !== 'image') return undefined;
  const image = parseImageName(scalar.value);
  if (image === undefined) return undefined;
  return { name: placeName(path), image, set: (wanted) => edits(replaceScalar(scalar, formatImageName(wanted))) };
}

/** A setter of a part: the repository is beside it, in a field that another setter or its name tells. */
function setterPart(scalar: Scalar, map: YAMLMap, path: readonly string[], part: string): Place | undefined {
  if (part === 'name') return undefined;
  const beside = map.items.find((pair) => {
    if (!isScalar(pair.value) || !isScalar(pair.key)) return false;
    const other = SETTER.exec(pair.value.comment ?? '')?.[1];
    return other === 'name' || ['repository', 'newName', 'name'].includes(String(pair.key.value));
  })?.value;
  if (!isScalar(beside) || typeof beside.value !== 'string') return undefined;
  const { repository } = parseImageName(beside.value) ?? {};
  if (repository === undefined) return undefined;
  const text = String(scalar.value);
  const image = part === 'digest' ? { repository, digest: text } : { repository, ...parseTagField(text) };
  return {
    name: placeName(path),
    image,
    set: ({ repository: wanted, tag, digest = '' }) => {
      const value = part === 'digest' ? digest : `${tag ?? image.tag ?? 'latest'}@${digest}`;
      return edits(replaceScalar(scalar, value), ...(wanted === repository ? [] : [replaceScalar(beside, wanted)]));
    },
  };
}

/** Texts that are YAML themselves: Argo CD's `helm.values`, Kustomize's `patches[].patch`. */
const isYamlText = (path: readonly string[]): boolean =>
  (path.at(-1) === 'values' && path.at(-2) === 'helm') || path.at(-1) === 'patch';

function insideText(text: string, scalar: Scalar, path: readonly string[]): readonly Place[] {
  const inner = literalText(text, scalar);
  if (inner === undefined) return [];
  return findPlaces(inner.text).map((place) => ({
    ...place,
    name: placeName([...path, place.name]),
    set: (image) => {
      const made = place.set(image);
      return made === undefined ? undefined : edits(...made.map((edit) => insideLiteral(inner, edit)));
    },
  }));
}
