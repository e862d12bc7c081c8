import { familyOf } from './families.ts';
import { parseOsRelease, releaseText } from './os-release.ts';
import { fieldsOfPackages, fieldsOfReleaseFiles } from './release-files.ts';
import { releaseName } from './release-name.ts';
import { codenameOfVersion, distributionData } from './releases.ts';
import type { Distribution, PackageIdentity } from './types.ts';

/** What else tells a root's distribution where os-release is missing or silent. */
export interface DistributionFallbacks {
  /** Content of etc/debian_version: `12.5`, `forky/sid`. */
  readonly debianVersion?: Uint8Array;
  /** Files of `RELEASE_FILES` by path. */
  readonly releaseFiles?: ReadonlyMap<string, Uint8Array>;
  /** Installed packages. */
  readonly packages?: readonly Pick<PackageIdentity, 'name' | 'version'>[];
}

/** Derivatives that rebuild Debian: they use its codenames, but not its packages. */
const REBUILT: ReadonlySet<string> = new Set(['raspbian', 'ubuntu', 'devuan']);

/** Releases whose repositories are archived: told apart, and no longer checked. */
const ENDED: ReadonlyMap<string, string> = new Map([
  ['8', 'jessie'],
  ['9', 'stretch'],
  ['10', 'buster'],
]);

const isCodename = (id: string, codename: string): boolean =>
  Object.hasOwn(distributionData(id)?.releases ?? {}, codename);

const debianCodenameOf = (version: string): string | undefined =>
  codenameOfVersion('debian', version) ?? ENDED.get(version.split('.')[0] ?? '');

/** `12.5` → bookworm; `forky/sid` (testing and unstable say the same) → forky. */
function codenameOfDebianVersion(bytes: Uint8Array | undefined): string | undefined {
  const version = releaseText(bytes).trim();
  const [testing = ''] = version.split('/');
  if (isCodename('debian', testing)) return testing;
  return /^\d{1,3}(?:\.\d+)?$/.test(version) ? debianCodenameOf(version) : undefined;
}

/** Stable updates carry their release in the version: `1.2-3+deb12u4`, `12.4+deb12u10`. The newest named one wins. */
function codenameOfPackages(packages: DistributionFallbacks['packages']): string | undefined {
  const majors = (packages ?? []).flatMap(({ version }) => {
    const match = /[+~]deb(\d{1,2})u\d+/.exec(version);
    return match === null ? [] : [Number(match[1])];
  });
  return majors.length === 0 ? undefined : debianCodenameOf(String(majors.reduce((a, b) => Math.max(a, b))));
}

/** The Debian release whose repositories serve this root; undefined for a derivative with repositories of its own. */
function debianCodename(fields: ReadonlyMap<string, string>, fallbacks: DistributionFallbacks): string | undefined {
  const id = fields.get('ID') ?? '';
  const like = (fields.get('ID_LIKE') ?? '').split(/\s+/);
  if ([id, ...like].some((name) => REBUILT.has(name))) return undefined;
  if (id !== '' && id !== 'debian' && !like.includes('debian')) return undefined;
  const named = [fields.get('DEBIAN_CODENAME'), fields.get('VERSION_CODENAME')].find(
    (codename) => codename !== undefined && isCodename('debian', codename),
  );
  if (named !== undefined) return named;
  // A derivative's version numbers are its own.
  if (id !== 'debian' && id !== '') return codenameOfDebianVersion(fallbacks.debianVersion);
  const inPrettyName = /\b([a-z]+)\/sid\b/.exec(fields.get('PRETTY_NAME') ?? '')?.[1];
  return (
    debianCodenameOf(fields.get('VERSION_ID') ?? '') ??
    (inPrettyName !== undefined && isCodename('debian', inPrettyName) ? inPrettyName : undefined) ??
    codenameOfDebianVersion(fallbacks.debianVersion) ??
    codenameOfPackages(fallbacks.packages)
  );
}

/**
 * Which distribution a root is, from etc/os-release (or usr/lib/os-release) and, where that is silent, from
 * etc/debian_version, the other families' release files and the packages. Derivatives that use Debian's repositories
 * are that Debian release; others keep their own name. Undefined when nothing tells.
 */
export function readDistribution(
  osRelease: Uint8Array | undefined,
  fallbacks: DistributionFallbacks = {},
): Distribution | undefined {
  const fields = osRelease === undefined ? new Map<string, string>() : parseOsRelease(osRelease);
  const debian = debianCodename(fields, fallbacks);
  if (debian !== undefined) return debianDistribution(debian, fields);
  if ((fields.get('ID') ?? '') !== '') return distributionOf(fields);
  const other = fieldsOfReleaseFiles(fallbacks.releaseFiles ?? new Map()) ?? fieldsOfPackages(fallbacks.packages ?? []);
  return other === undefined ? undefined : distributionOf(other);
}

function debianDistribution(codename: string, fields: ReadonlyMap<string, string>): Distribution {
  const ended = [...ENDED].find(([, name]) => name === codename)?.[0];
  const version = distributionData('debian')?.releases[codename]?.version ?? ended ?? '';
  return {
    name: `debian/${codename}`,
    id: fields.get('ID') || 'debian',
    versionId: fields.get('VERSION_ID') || version,
    codename,
    prettyName: fields.get('PRETTY_NAME') ?? `Debian ${codename}`,
    family: 'deb',
  };
}

function distributionOf(fields: ReadonlyMap<string, string>): Distribution | undefined {
  const name = releaseName(fields);
  if (name === undefined) return undefined;
  const id = (fields.get('ID') ?? '').toLowerCase();
  return {
    name,
    id,
    versionId: fields.get('VERSION_ID') ?? '',
    codename: fields.get('VERSION_CODENAME') ?? '',
    prettyName: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? id,
    family: familyOf(id, fields.get('ID_LIKE')),
  };
}
