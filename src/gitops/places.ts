import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type Edit, insertBelow, insertInFlow, replaceScalar } from './edit.ts';
import { formatImageName, type ImageName, parseImageName, parseTagField } from './image-name.ts';

/** A place in a file that says which image is to run. */
export interface Place {
  /** Stays the same while the file is edited elsewhere: `Deployment/web/containers/app`, `images/web`, `api.image`. */
  readonly name: string;
  readonly image: ImageName;
  /** What is to be changed so that it names another image; undefined where the file's form does not allow it. */
  set(image: ImageName): readonly Edit[] | undefined;
}

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
  const documents = parseAllDocuments(text, { keepSourceTokens: true, uniqueKeys: false, logLevel: 'silent' });
  if (!Array.isArray(documents) || documents.length > MAX_DOCUMENTS) return [];
  const places: Place[] = [];
  for (const document of documents as readonly Document.Parsed[]) {
    if (document.errors.length > 0) return [];
    walk({ text, node: document.contents, path: [rootName(document)], depth: 0, found: places });
  }
  return unique(places);
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

function walk({ text, node, path, depth, found }: Walk): void {
  if (depth > MAX_DEPTH || isAlias(node)) return;
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const below = [...path.slice(0, -1), `${path.at(-1)}[${itemName(item, index)}]`];
      const value =
        isScalar(item) && path.at(-1) === 'images' ? kustomizeText(item, [...path, itemName(item, index)]) : undefined;
      if (value !== undefined) found.push(value);
      else walk({ text, node: item, path: below, depth: depth + 1, found });
    }
    return;
  }
  if (!isMap(node)) return;
  const whole = path.at(-1)?.startsWith('images[') === true ? kustomizeEntry(text, node, path) : helmValues(node, path);
  if (whole !== undefined) found.push(whole);
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    if (whole !== undefined && isScalar(pair.value)) continue;
    const place = isScalar(pair.value) ? scalarPlace(pair as Pair<unknown, Scalar>, node, [...path, key]) : undefined;
    if (place !== undefined) found.push(place);
    else walk({ text, node: pair.value, path: [...path, key], depth: depth + 1, found });
  }
}

function itemName(item: unknown, index: number): string {
  const name = isMap(item)
    ? item.get('name')
    : isScalar(item)
      ? parseImageName(afterEquals(String(item.value)))?.repository
      : undefined;
  return typeof name === 'string' ? name : String(index);
}

const nameOf = (path: readonly string[]): string => path.filter((part) => part !== '').join('.');

const SETTER = /\{\s*"\$imagepolicy"\s*:\s*"[^":]+:[^":]+(?::(tag|name|digest))?"\s*\}/;

/** `image: …`, and whatever a Flux setter stands beside. */
function scalarPlace(pair: Pair<unknown, Scalar>, map: YAMLMap, path: readonly string[]): Place | undefined {
  const { value: scalar } = pair;
  if (typeof scalar?.value !== 'string') return undefined;
  const setter = SETTER.exec(scalar.comment ?? '');
  const part = setter?.[1];
  if (setter !== null && part !== undefined) return setterPart(scalar, map, path, part);
  if (setter === null && path.at(-1) !== 'image') return undefined;
  const image = parseImageName(scalar.value);
  if (image === undefined) return undefined;
  return { name: nameOf(path), image, set: (wanted) => edits(replaceScalar(scalar, formatImageName(wanted))) };
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
    name: nameOf(path),
    image,
    set: ({ repository: wanted, tag, digest = '' }) => {
      const value = part === 'digest' ? digest : `${tag ?? image.tag ?? 'latest'}@${digest}`;
      return edits(replaceScalar(scalar, value), ...(wanted === repository ? [] : [replaceScalar(beside, wanted)]));
    },
  };
}

/** An entry of Kustomize's `images`: `name`, `newName`, `newTag`, `digest`. */
function kustomizeEntry(text: string, map: YAMLMap, path: readonly string[]): Place | undefined {
  const field = (name: string): Scalar | undefined => {
    const value = map.get(name, true);
    return isScalar(value) && value.value !== null ? value : undefined;
  };
  const [name, newName, newTag, digest] = [field('name'), field('newName'), field('newTag'), field('digest')];
  const repository = parseImageName(String((newName ?? name)?.value ?? ''))?.repository;
  if (name === undefined || repository === undefined) return undefined;
  const image: ImageName = {
    repository,
    ...(newTag === undefined ? {} : { tag: String(newTag.value) }),
    ...(digest === undefined ? {} : { digest: String(digest.value) }),
  };
  return {
    name: nameOf(path),
    image,
    set: ({ repository: wanted, digest: value = '' }) => {
      const last = digest ?? newTag ?? newName ?? name;
      const add = (key: string, added: string, after: Scalar): Edit | undefined =>
        map.flow === true
          ? insertInFlow(after, key, added)
          : insertBelow(text, keyOf(map, after), after, `${key}: ${added}`);
      const renamed =
        wanted === repository
          ? []
          : [newName === undefined ? add('newName', wanted, name) : replaceScalar(newName, wanted)];
      return edits(digest === undefined ? add('digest', value, last) : replaceScalar(digest, value), ...renamed);
    },
  };
}

const keyOf = (map: YAMLMap, value: Scalar): Scalar => map.items.find((pair) => pair.value === value)?.key as Scalar;

/** `[OLD=]NAME[:TAG][@DIGEST]` as Argo CD has it in `kustomize.images`. */
function kustomizeText(scalar: Scalar, path: readonly string[]): Place | undefined {
  const text = String(scalar.value);
  const image = parseImageName(afterEquals(text));
  if (image === undefined) return undefined;
  const before = text.slice(0, text.length - afterEquals(text).length);
  return { name: nameOf(path), image, set: (wanted) => edits(replaceScalar(scalar, before + formatImageName(wanted))) };
}

const afterEquals = (text: string): string => text.slice(text.lastIndexOf('=') + 1);

/** `repository` with `tag` or `digest`, perhaps `registry`: how charts ask for an image. */
function helmValues(map: YAMLMap, path: readonly string[]): Place | undefined {
  const field = (name: string): Scalar | undefined => {
    const value = map.get(name, true);
    return isScalar(value) && typeof value.value === 'string' ? value : undefined;
  };
  const [repository, registry, digest] = [field('repository'), field('registry'), field('digest')];
  const tagNode = map.get('tag', true);
  const tag = isScalar(tagNode) && tagNode.value !== null ? tagNode : undefined;
  if (repository === undefined || (tag === undefined && digest === undefined)) return undefined;
  const setters = [tag, digest].some((one) => SETTER.test(one?.comment ?? ''));
  if (setters) return undefined;
  const prefix = registry === undefined || registry.value === '' ? '' : `${registry.value}/`;
  const tagged = tag === undefined ? {} : parseTagField(tag.source ?? String(tag.value));
  const named = parseImageName(`${prefix}${repository.value}`);
  if (named === undefined) return undefined;
  const own = digest === undefined || digest.value === '' ? {} : { digest: String(digest.value) };
  const image: ImageName = { repository: named.repository, ...tagged, ...own };
  return {
    name: nameOf(path),
    image,
    set: ({ repository: wanted, tag: newTag, digest: value = '' }) => {
      if (wanted !== named.repository && !wanted.startsWith(prefix)) return undefined;
      const renamed = wanted === named.repository ? [] : [replaceScalar(repository, wanted.slice(prefix.length))];
      if (digest !== undefined) return edits(replaceScalar(digest, value), ...renamed);
      const written = `${newTag ?? tagged.tag ?? 'latest'}@${value}`;
      return edits(tag === undefined ? undefined : replaceScalar(tag, written), ...renamed);
    },
  };
}

/** All of them, or none. */
function edits(...made: readonly (Edit | undefined)[]): readonly Edit[] | undefined {
  return made.every((one): one is Edit => one !== undefined) ? made : undefined;
}
