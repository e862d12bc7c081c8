import { codenameOfVersion, distributionData } from './releases.ts';
import type { Distribution, InstalledPackage } from './types.ts';

/** Longest os-release read; real ones have 500 bytes. */
const MAX_OS_RELEASE_BYTES = 64 * 1024;

/** What else tells a root's distribution where os-release is missing or silent. */
export interface DistributionFallbacks {
  /** Content of etc/debian_version: `12.5`, `forky/sid`. */
  readonly debianVersion?: Uint8Array;
  /** Installed packages of a dpkg database. */
  readonly packages?: readonly Pick<InstalledPackage, 'name' | 'version'>[];
}

/** Derivatives that rebuild Debian: they use its codenames, but not its packages. */
const REBUILT = new Set(['raspbian', 'ubuntu', 'devuan']);

const text = (bytes: Uint8Array | undefined): string =>
  Buffer.from((bytes ?? new Uint8Array()).subarray(0, MAX_OS_RELEASE_BYTES)).toString('utf8');

/** `KEY=value` lines with shell quoting, as os-release(5) allows; anything else is passed over. */
export function parseOsRelease(bytes: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text(bytes).split('\n')) {
    const match = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const quoted = /^(["'])(.*)\1$/.exec(match[2]);
    const value = quoted?.[2] ?? match[2];
    fields.set(match[1], quoted?.[1] === "'" ? value : value.replace(/\\(["$`\\])/g, '$1'));
  }
  return fields;
}

const isCodename = (id: string, codename: string): boolean =>
  Object.hasOwn(distributionData(id)?.releases ?? {}, codename);

/** `12.5` → bookworm; `forky/sid` (testing and unstable say the same) → forky. */
function codenameOfDebianVersion(bytes: Uint8Array | undefined): string | undefined {
  const version = text(bytes).trim();
  const [testing = ''] = version.split('/');
  return isCodename('debian', testing) ? testing : codenameOfVersion('debian', version);
}

/** Stable updates carry their release in the version: `1.2-3+deb12u4`, `12.4+deb12u10`. The newest named one wins. */
function codenameOfPackages(packages: DistributionFallbacks['packages']): string | undefined {
  const majors = (packages ?? []).flatMap(({ version }) => {
    const match = /[+~]deb(\d{1,2})u\d+/.exec(version);
    return match === null ? [] : [Number(match[1])];
  });
  return majors.length === 0 ? undefined : codenameOfVersion('debian', String(Math.max(...majors)));
}

/** The Debian release whose repositories serve this root; undefined for a derivative with repositories of its own. */
function debianCodename(fields: ReadonlyMap<string, string>, fallbacks: DistributionFallbacks): string | undefined {
  const id = fields.get('ID') ?? '';
  const like = (fields.get('ID_LIKE') ?? '').split(/\s+/);
  if (REBUILT.has(id) || (id !== '' && id !== 'debian' && !like.includes('debian'))) return undefined;
  const named = [fields.get('DEBIAN_CODENAME'), fields.get('VERSION_CODENAME')].find(
    (codename) => codename !== undefined && isCodename('debian', codename),
  );
  if (named !== undefined) return named;
  // A derivative's version numbers are its own.
  if (id !== 'debian' && id !== '') return codenameOfDebianVersion(fallbacks.debianVersion);
  const inPrettyName = /\b([a-z]+)\/sid\b/.exec(fields.get('PRETTY_NAME') ?? '')?.[1];
  return (
    codenameOfVersion('debian', fields.get('VERSION_ID') ?? '') ??
    (inPrettyName !== undefined && isCodename('debian', inPrettyName) ? inPrettyName : undefined) ??
    codenameOfDebianVersion(fallbacks.debianVersion) ??
    codenameOfPackages(fallbacks.packages)
  );
}

/**
 * Which distribution a root is, from etc/os-release (or usr/lib/os-release) and, where that is silent, from
 * etc/debian_version and the packages' versions. Derivatives that use Debian's repositories are that Debian release;
 * others keep their own name. Undefined when nothing tells.
 */
export function readDistribution(
  osRelease: Uint8Array | undefined,
  fallbacks: DistributionFallbacks = {},
): Distribution | undefined {
  const fields = osRelease === undefined ? new Map<string, string>() : parseOsRelease(osRelease);
  const ownId = fields.get('ID');
  const debian = debianCodename(fields, fallbacks);
  const versionId = fields.get('VERSION_ID') ?? '';
  if (debian !== undefined) {
    const version = distributionData('debian')?.releases[debian]?.version ?? '';
    return {
      name: `debian/${debian}`,
      id: ownId ?? 'debian',
      versionId: versionId === '' ? version : versionId,
      codename: debian,
      prettyName: fields.get('PRETTY_NAME') ?? `Debian ${debian}`,
    };
  }
  if (ownId === undefined || ownId === '') return undefined;
  const codename = fields.get('VERSION_CODENAME') ?? '';
  const release = codename || versionId || 'unknown';
  return {
    name: `${ownId}/${release}`,
    id: ownId,
    versionId,
    codename,
    prettyName: fields.get('PRETTY_NAME') ?? ownId,
  };
}
