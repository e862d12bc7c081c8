import type { Digest } from '../../oci/index.ts';
import type { HelmRelease, Values } from './release.ts';
import { isMap, mergeValues, pathName, type ValuePath, walkValues } from './values.ts';

/** An image, taken apart. */
export interface NamedImage {
  /** `host/repository` */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

export interface NewImage {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest;
}

/** A value and what it is to be. */
export type SetValue = readonly [ValuePath, string];

/** A place in a release's values that says which image is to run. */
export interface ImagePlace {
  /** `api.image` */
  readonly name: string;
  readonly image: NamedImage;
  /** Values to be set so that it names another one; a sentence where that cannot be said there. */
  set(image: NewImage): readonly SetValue[] | string;
}

const REFERENCE =
  /^([^\s@:{}]+(?::\d+\/[^\s@:{}]+)?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

export function parseImage(text: string): NamedImage | undefined {
  const match = text.length > 1_000 ? null : REFERENCE.exec(text);
  if (match === null) return undefined;
  return { repository: match[1] as string, tag: match[2], digest: match[3] as Digest | undefined };
}

/** `docker.io/library/nginx` of `nginx`: manifests and values leave out what is the default. */
export function wholeName(repository: string): string {
  const [first = '', ...rest] = repository.split('/');
  if (rest.length === 0) return `docker.io/library/${repository}`;
  return /[.:]|^localhost$/.test(first) ? repository : `docker.io/${repository}`;
}

/** `image: X` on a line of its own, or among others in braces. */
const IMAGE = /(?:^[ \t-]*|[{,][ \t]*)["']?image["']?:[ \t]*["']?([^"'\s#,{}]+)["']?[ \t]*(?=$|[,}#])/gm;

/** Images that a manifest's containers name; by text, because all releases of a cluster are looked through. */
export const manifestImages = (manifest: string): readonly NamedImage[] =>
  [...manifest.matchAll(IMAGE)].flatMap(([, text = '']) => parseImage(text) ?? []);

const textOf = (values: Values, key: string): string | undefined => {
  const value = values[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
};

function globalRegistry(values: Values): string {
  const global = isMap(values.global) ? values.global : {};
  const nested = isMap(global.image) ? textOf(global.image, 'registry') : undefined;
  return textOf(global, 'imageRegistry') || nested || '';
}

const split = (repository: string): readonly [string, string] => {
  const whole = wholeName(repository);
  const slash = whole.indexOf('/');
  return [whole.slice(0, slash), whole.slice(slash + 1)];
};

/** `{ registry, repository (or name), tag, digest }`, with a registry that may stand for the whole chart. */
function mapPlace(node: Values, path: ValuePath, global: string, appVersion: string): ImagePlace | undefined {
  const key = typeof node.repository === 'string' ? 'repository' : 'name';
  const repository = textOf(node, key);
  const last = String(path.at(-1) ?? '');
  if (repository === undefined || (key === 'name' && !/image/i.test(last))) return undefined;
  if (!['tag', 'digest', 'registry', 'pullPolicy'].some((name) => name in node)) return undefined;
  const own = textOf(node, 'registry') ?? '';
  const registry = global || own;
  const tag = textOf(node, 'tag') || appVersion || undefined;
  // Charts take `tag: TAG@DIGEST` where they know no digest.
  const named = parseImage(
    `${registry === '' ? '' : `${registry}/`}${repository}${tag === undefined ? '' : `:${tag}`}`,
  );
  if (named === undefined) return undefined;
  const digest = textOf(node, 'digest');
  const image = digest?.startsWith('sha256:') === true ? { ...named, digest: digest as Digest } : named;
  const setRepository = (wanted: string): readonly SetValue[] | string => {
    if (wholeName(wanted) === wholeName(image.repository)) return [];
    const [host, rest] = split(wanted);
    if (global !== '') {
      return host === split(image.repository)[0]
        ? [[[...path, key], rest]]
        : `the registry of all images of the chart (global) is ${global}, and the new one lies on ${host}`;
    }
    if (!('registry' in node)) return [[[...path, key], wanted]];
    return [
      [[...path, 'registry'], host],
      [[...path, key], rest],
    ];
  };
  return {
    name: pathName(path),
    image,
    set(target) {
      const moved = setRepository(target.repository);
      if (typeof moved === 'string') return moved;
      const kept = target.tag ?? named.tag;
      if (!('digest' in node)) return [...moved, [[...path, 'tag'], `${kept ?? 'latest'}@${target.digest}`]];
      const tagged: readonly SetValue[] = target.tag === undefined ? [] : [[[...path, 'tag'], target.tag]];
      return [...moved, [[...path, 'digest'], target.digest], ...tagged];
    },
  };
}

/** `image: HOST/NAME:TAG`, or with the tag beside it. */
function textPlace(text: string, path: ValuePath, parent: Values): ImagePlace | undefined {
  const last = path.at(-1);
  if (typeof last !== 'string' || !/image$/i.test(last)) return undefined;
  const parsed = parseImage(text);
  if (parsed === undefined) return undefined;
  const beside = [`${last}Tag`, 'tag'].find((key) => parsed.tag === undefined && textOf(parent, key) !== undefined);
  const image = beside === undefined ? parsed : (parseImage(`${text}:${textOf(parent, beside)}`) ?? parsed);
  return {
    name: pathName(path),
    image,
    set({ repository, tag, digest }) {
      const kept = tag ?? image.tag;
      if (beside === undefined) return [[path, `${repository}${kept === undefined ? '' : `:${kept}`}@${digest}`]];
      return [
        [path, repository],
        [[...path.slice(0, -1), beside], `${kept ?? 'latest'}@${digest}`],
      ];
    },
  };
}

/**
 * The places in a release's values that name images which its manifest runs. What values name and no manifest runs (switched
 * off, a git repository) is none.
 */
export function imagePlaces({
  chart,
  config,
  manifest,
}: Pick<HelmRelease, 'chart' | 'config' | 'manifest'>): readonly ImagePlace[] {
  const values = mergeValues(chart.values, config);
  const global = globalRegistry(values);
  const appVersion = textOf(chart.metadata, 'appVersion') ?? '';
  const running = new Set(manifestImages(manifest).map(({ repository }) => wholeName(repository)));
  const places: ImagePlace[] = [];
  for (const { path, value, parent } of walkValues(values)) {
    const place =
      typeof value === 'string' ? textPlace(value, path, parent ?? {}) : mapPlace(value, path, global, appVersion);
    if (place !== undefined && running.has(wholeName(place.image.repository))) places.push(place);
  }
  return places;
}
