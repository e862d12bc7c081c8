import { isMap, isScalar, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { type Edit, edits, insertBelow, insertInFlow, replaceScalar } from './edit.ts';
import { formatImageName, type ImageName, parseImageName, parseTagField } from './image-name.ts';

/** A place in a file that says which image is to run. */
export interface Place {
  /** Stays the same while the file is edited elsewhere: `Deployment/web/containers/app`, `images/web`, `api.image`. */
  readonly name: string;
  readonly image: ImageName;
  /** Why what stands there is not what runs, where the file says so. */
  readonly held?: string;
  /** What is to be changed so that it names another image; undefined where the file's form does not allow it. */
  set(image: ImageName): readonly Edit[] | undefined;
}

export const placeName = (path: readonly string[]): string => path.filter((part) => part !== '').join('.');

export const SETTER = /\{\s*"\$imagepolicy"\s*:\s*"[^":]+:[^":]+(?::(tag|name|digest))?"\s*\}/;

/** An entry of Kustomize's `images`: `name`, `newName`, `newTag`, `digest`. */
export function kustomizeEntry(text: string, map: YAMLMap, path: readonly string[]): Place | undefined {
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
    name: placeName(path),
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
export function kustomizeText(scalar: Scalar, path: readonly string[]): Place | undefined {
  const text = String(scalar.value);
  const image = parseImageName(afterEquals(text));
  if (image === undefined) return undefined;
  const before = text.slice(0, text.length - afterEquals(text).length);
  return {
    name: placeName(path),
    image,
    set: (wanted) => edits(replaceScalar(scalar, before + formatImageName(wanted))),
  };
}

export const afterEquals = (text: string): string => text.slice(text.lastIndexOf('=') + 1);

/** The scalars that together say which image a chart is to run. */
interface ChartFields {
  readonly repository: Scalar | undefined;
  readonly registry: Scalar | undefined;
  readonly tag: Scalar | undefined;
  readonly digest: Scalar | undefined;
}

/** `repository` with `tag` or `digest`, perhaps `registry`: how charts ask for an image. */
export function helmValues(map: YAMLMap, path: readonly string[]): Place | undefined {
  const field = (name: string): Scalar | undefined => {
    const value = map.get(name, true);
    return isScalar(value) && typeof value.value === 'string' ? value : undefined;
  };
  const tag = map.get('tag', true);
  return chartImage(
    {
      ...{ repository: field('repository'), registry: field('registry'), digest: field('digest') },
      tag: isScalar(tag) && tag.value !== null ? tag : undefined,
    },
    path,
  );
}

const PARAMETER = /^(?:(.+)\.)?(repository|name|registry|tag|digest)$/;

/**
 * Argo CD's `helm.parameters`: `[{name: api.image.repository, value: …}, {name: api.image.tag, value: …}]`, and whole images
 * (`{name: image, value: NAME:TAG}`).
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#helm-parameters
 */
export function helmParameters(list: YAMLSeq, path: readonly string[]): readonly Place[] {
  const values = new Map<string, Scalar>();
  for (const item of list.items) {
    const [name, value] = isMap(item) ? [item.get('name'), item.get('value', true)] : [];
    if (typeof name === 'string' && isScalar(value) && value.value !== null) values.set(name, value);
  }
  const at = (name: string): readonly string[] => [...path.slice(0, -1), `${path.at(-1)}[${name}]`];
  const prefixes = new Set(
    [...values.keys()].flatMap((name) => {
      const match = PARAMETER.exec(name);
      return match === null ? [] : [match[1] ?? ''];
    }),
  );
  const parts = [...prefixes].flatMap((prefix): readonly Place[] => {
    const field = (name: string): Scalar | undefined => values.get(prefix === '' ? name : `${prefix}.${name}`);
    const repository = field('repository') ?? field('name');
    const fields = { repository, registry: field('registry'), tag: field('tag'), digest: field('digest') };
    const place = chartImage(fields, at(prefix));
    return place === undefined ? [] : [place];
  });
  const whole = [...values].flatMap(([name, scalar]): readonly Place[] => {
    if (PARAMETER.test(name) || typeof scalar.value !== 'string') return [];
    const image = parseImageName(scalar.value);
    if (image === undefined || (image.tag === undefined && image.digest === undefined)) return [];
    return [
      { name: placeName(at(name)), image, set: (wanted) => edits(replaceScalar(scalar, formatImageName(wanted))) },
    ];
  });
  return [...parts, ...whole];
}

function chartImage({ repository, registry, tag, digest }: ChartFields, path: readonly string[]): Place | undefined {
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
    name: placeName(path),
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

/** An operation of a JSON patch that puts an image (`path: /spec/template/spec/containers/0/image`). */
export function jsonPatch(map: YAMLMap, path: readonly string[]): Place | undefined {
  const [where, value] = [map.get('path'), map.get('value', true)];
  if (typeof where !== 'string' || !where.endsWith('/image') || map.get('op') === undefined) return undefined;
  if (!isScalar(value) || typeof value.value !== 'string') return undefined;
  const image = parseImageName(value.value);
  if (image === undefined) return undefined;
  const name = placeName([...path.slice(0, -1), `${path.at(-1) ?? ''}`.replace(/\[\d+\]$/, `[${where}]`)]);
  return { name, image, set: (wanted) => edits(replaceScalar(value, formatImageName(wanted))) };
}
