import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { packageFile } from '../base/index.ts';
import { type ArchiveKind, distributionData, type EcosystemId } from '../distro/index.ts';
import { type AptSource, type AptSourceFile, parseAptSources } from './apt-sources.ts';
import { feedError } from './errors.ts';
import { FAMILY_SOURCES, familyUrls } from './flat/family-sources.ts';
import { mirrorOfUrl } from './flat/layout.ts';
import { placeOfHost } from './internal-host.ts';
import { suiteKind } from './pockets.ts';
import { mirrorOfRepoUrl } from './rpm-md/repo-files.ts';

/** Base URLs (without trailing `/`) of a distribution, best first. */
export interface Mirrors extends Readonly<Record<ArchiveKind, readonly string[]>> {
  /** Where they were found, for messages: `--mirror`, `HERAKLIT_MIRROR_DEBIAN`, `apt sources`, … */
  readonly origin: string;
}

/** Mirrors that somebody named, best first; where `main` is empty, only the security mirrors are theirs. */
export interface NamedMirrors {
  readonly main: readonly string[];
  readonly security: readonly string[];
  /** Who named them, for messages. */
  readonly origin: string;
}

export interface MirrorSearch {
  /** Distribution id: `debian`. */
  readonly id: string;
  /** `--mirror`: one base URL. */
  readonly option?: string;
  /** What the fleet file says of the distribution. */
  readonly fleet?: NamedMirrors;
  /** Default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** apt's own configuration of an image or rootfs. */
  readonly imageSources?: readonly AptSourceFile[];
  /** apt's configuration of this host; default: read from /etc/apt. */
  readonly hostSources?: readonly AptSourceFile[];
  /** Last resort; default: data/mirrors.json. */
  readonly known?: Readonly<Record<string, Readonly<Record<ArchiveKind, readonly string[]>>>>;
}

const PROTOCOLS: ReadonlySet<string> = new Set(['http:', 'https:', 'file:']);

/** @throws FEED_MIRROR_INVALID */
function checkMirror(text: string, origin: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !PROTOCOLS.has(url.protocol)) {
    throw feedError('FEED_MIRROR_INVALID', `${origin}: ${JSON.stringify(text)} is not a mirror`, {
      hint: 'Give a base URL such as https://HOST/debian or file:///srv/mirror/debian.',
    });
  }
  return text.replace(/\/+$/, '');
}

/** Debian's security archive lies beside the main one on every mirror that carries both. */
export function securityBeside(main: string): string {
  return /\/debian$/.test(main) ? `${main}-security` : `${main.replace(/\/+$/, '')}/debian-security`;
}

function named(id: string, main: readonly string[], security: readonly string[], origin: string): Mirrors {
  const checked = main.map((text) => checkMirror(text, origin));
  if (security.length > 0)
    return { main: checked, security: security.map((text) => checkMirror(text, origin)), origin };
  return { main: checked, security: familyOf(id) === 'deb' ? checked.map(securityBeside) : checked, origin };
}

const familyOf = (id: string): EcosystemId => distributionData(id)?.family ?? 'deb';

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** A third party may use Debian's suite names; its keyring gives it away, and `main` of Debian is what we look for. */
const isOwn = (source: AptSource): boolean =>
  source.components.includes('main') &&
  (source.signedBy === undefined || /debian-archive|BEGIN PGP/.test(source.signedBy));

/** Mirrors of each kind taken from one image: a hostile one must not send us to thousands. */
const MAX_IMAGE_MIRRORS = 4;

/**
 * What an image may name: it is foreign, and what it says is asked for on the user's behalf. Its file: URL means its own
 * file system, not ours; credentials in it are not ours to send; addresses inside are none of its business. What such a
 * mirror answers is believed no more than any other's: the distribution's own signature decides.
 */
const fromImage = (url: URL): boolean =>
  (url.protocol === 'http:' || url.protocol === 'https:') &&
  url.username === '' &&
  url.password === '' &&
  placeOfHost(url) === 'outside';

/** The mirrors that apt sources name; undefined when they name none of this distribution. */
function mirrorsOfSources(
  id: string,
  files: readonly AptSourceFile[],
  origin: string,
  accept: (url: URL) => boolean,
): Mirrors | undefined {
  const family = familyOf(id);
  if (family !== 'deb') return mirrorsOfUrls(id, familyUrls(family, files), origin, accept);
  const usable = parseAptSources(files).filter(
    (source) => isOwn(source) && URL.canParse(source.uri) && accept(new URL(source.uri)),
  );
  const of = (kind: ArchiveKind): string[] =>
    unique(
      usable.filter((source) => suiteKind(id, source.suite) === kind).map((source) => source.uri.replace(/\/+$/, '')),
    );
  const main = of('main');
  return main.length === 0 ? undefined : named(id, main, of('security'), origin);
}

/** The mirrors of repositories that are named by their whole URLs. */
function mirrorsOfUrls(
  id: string,
  urls: readonly string[],
  origin: string,
  accept: (url: URL) => boolean,
): Mirrors | undefined {
  const bases = urls.flatMap((url) => (familyOf(id) === 'rpm' ? mirrorOfRepoUrl : mirrorOfUrl)(id, url) ?? []);
  const main = unique(bases.filter((base) => URL.canParse(base) && accept(new URL(base))));
  return main.length === 0 ? undefined : named(id, main, [], origin);
}

/** The files of etc/apt below a root folder, in apt's order; none where there is no apt. */
export async function readAptSources(root = '/'): Promise<readonly AptSourceFile[]> {
  const apt = join(root, 'etc/apt');
  const parts = await readdir(join(apt, 'sources.list.d')).catch(() => []);
  const names = parts.filter((name) => /\.(?:list|sources)$/.test(name)).sort();
  const paths = [join(apt, 'sources.list'), ...names.map((name) => join(apt, 'sources.list.d', name))];
  const files = await Promise.all(
    paths.map(async (path) => ({ path, bytes: await readFile(path).catch(() => Buffer.alloc(0)) })),
  );
  return files.filter((file) => file.bytes.length > 0);
}

/** The same of another family; keys apart, which the host's own package manager believes and we need not. */
async function readFamilySources(family: EcosystemId): Promise<readonly AptSourceFile[]> {
  const files: AptSourceFile[] = [];
  for (const place of FAMILY_SOURCES[family] ?? []) {
    const folder = dirname(place);
    const names = place.endsWith('/*') ? (await readdir(join('/', folder)).catch(() => [])).sort() : [basename(place)];
    for (const name of names) {
      const bytes = await readFile(join('/', folder, name)).catch(() => undefined);
      if (bytes !== undefined) files.push({ path: join(folder, name), bytes });
    }
  }
  return files;
}

/** What a family calls its configuration, for messages. */
const sourcesOf = (id: string): string =>
  ({ deb: 'apt sources', apk: 'apk repositories', alpm: 'pacman mirror list', rpm: 'repositories' })[familyOf(id)];

const shippedMirrors = (): NonNullable<MirrorSearch['known']> =>
  JSON.parse(readFileSync(packageFile('data/mirrors.json'), 'utf8'));

const words = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((word) => word !== '');

/**
 * Where to fetch a distribution from. First that names any: the option, the fleet file, `HERAKLIT_MIRROR_DEBIAN` (base
 * URLs, best first; security at `HERAKLIT_MIRROR_DEBIAN_SECURITY` or beside it), the image's apt sources, the host's apt
 * sources, the list that ships with heraklit.
 *
 * @throws FEED_NO_MIRROR, FEED_MIRROR_INVALID
 */
export async function discoverMirrors(search: MirrorSearch): Promise<Mirrors> {
  const { option, environment = process.env } = search;
  if (option !== undefined) return named(search.id, [option], [], 'the mirror option');
  const { fleet, id } = search;
  if (fleet === undefined) return findMirrors(search, environment);
  if (fleet.main.length > 0) return named(id, fleet.main, fleet.security, fleet.origin);
  const found = await findMirrors(search, environment);
  return fleet.security.length === 0
    ? found
    : named(id, found.main, fleet.security, `${found.origin}, ${fleet.origin}`);
}

async function findMirrors(
  search: MirrorSearch,
  environment: NonNullable<MirrorSearch['environment']>,
): Promise<Mirrors> {
  const { id } = search;
  const variable = `HERAKLIT_MIRROR_${id.toUpperCase().replace(/\W/g, '_')}`;
  const fromEnvironment = words(environment[variable]);
  if (fromEnvironment.length > 0) {
    return named(id, fromEnvironment, words(environment[`${variable}_SECURITY`]), variable);
  }
  const image = mirrorsOfSources(id, search.imageSources ?? [], `the image's ${sourcesOf(id)}`, fromImage);
  const own = await ownMirrors(search);
  if (image !== undefined) return inOrder(image, own);
  if (own !== undefined) return own;
  throw feedError('FEED_NO_MIRROR', `no mirror of ${id} is known`, {
    hint: `Name one with --mirror URL or ${variable}=URL, for example https://HOST/${id}.`,
  });
}

/** The host's apt sources, else the list that ships. */
async function ownMirrors({ id, hostSources, known }: MirrorSearch): Promise<Mirrors | undefined> {
  const accept = (url: URL): boolean => PROTOCOLS.has(url.protocol);
  const files =
    hostSources ?? (familyOf(id) === 'deb' ? await readAptSources() : await readFamilySources(familyOf(id)));
  const host = mirrorsOfSources(id, files, `this host's ${sourcesOf(id)}`, accept);
  if (host !== undefined) return host;
  const list = (known ?? shippedMirrors())[id];
  return list === undefined || list.main.length === 0
    ? undefined
    : named(id, list.main, list.security, 'data/mirrors.json');
}

/** The image's mirrors, and ours where those do not answer: an image from elsewhere may name what cannot be reached here. */
function inOrder(image: Mirrors, own: Mirrors | undefined): Mirrors {
  const [main, security] = [image.main.slice(0, MAX_IMAGE_MIRRORS), image.security.slice(0, MAX_IMAGE_MIRRORS)];
  if (own === undefined) return { main, security, origin: image.origin };
  return {
    main: unique([...main, ...own.main]),
    security: unique([...security, ...own.security]),
    origin: `${image.origin}, then ${own.origin}`,
  };
}
