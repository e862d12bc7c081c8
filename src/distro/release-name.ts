import type { DistributionName } from './types.ts';

/** Names stand in URLs, paths and SQL: a hostile os-release gets none. */
const WORD = /^[a-z0-9][a-z0-9._-]*$/;

/** Repositories follow the major version: 9.4 is what 9 is this month. */
const BY_MAJOR: ReadonlySet<string> = new Set([
  'rhel',
  'centos',
  'rocky',
  'almalinux',
  'ol',
  'scientific',
  'eurolinux',
]);
/** One line of packages without end; a VERSION_ID is the day an image was made. */
const ROLLING: ReadonlySet<string> = new Set(['arch', 'archarm', 'manjaro', 'wolfi', 'chainguard', 'void', 'gentoo']);
const BY_CODENAME: ReadonlySet<string> = new Set(['debian', 'ubuntu', 'raspbian', 'devuan', 'kali']);

const major = (version: string): string => version.split('.')[0] ?? version;

function alpineRelease(version: string): string {
  // Edge calls itself 3.23_alpha20250612.
  if (/_(?:alpha|beta|rc)|^edge/.test(version)) return 'edge';
  return version.split('.').slice(0, 2).join('.');
}

/** CentOS 8 was followed by a Stream of the same number; later ones are Streams alone. */
function centosRelease(version: string, fields: ReadonlyMap<string, string>): string {
  const isStream = /stream/i.test(fields.get('NAME') ?? '');
  return isStream && major(version) === '8' ? '8-stream' : major(version);
}

function named(id: string, fields: ReadonlyMap<string, string>): readonly [id: string, release: string] {
  const version = fields.get('VERSION_ID') ?? '';
  const codename =
    fields.get('VERSION_CODENAME') || /\(([a-z]+)\)/i.exec(fields.get('VERSION') ?? '')?.[1]?.toLowerCase() || '';
  const like = (fields.get('ID_LIKE') ?? '').split(/\s+/);
  if (id === 'alpine') return [id, alpineRelease(version)];
  if (id === 'centos') return [id, centosRelease(version, fields)];
  if (id === 'opensuse-tumbleweed' || like.includes('opensuse-tumbleweed')) return ['opensuse', 'tumbleweed'];
  if (id === 'opensuse-leap') return ['opensuse', version];
  if (id === 'sles_sap') return ['sles', version];
  if (id === 'fedora' && fields.get('REDHAT_BUGZILLA_PRODUCT_VERSION') === 'rawhide') return [id, 'rawhide'];
  if (ROLLING.has(id)) return [id, 'rolling'];
  if (BY_MAJOR.has(id)) return [id, major(version)];
  return [id, BY_CODENAME.has(id) ? codename || version : version || codename];
}

/**
 * The name of a release whose packages are tracked: `fedora/42`, `rhel/9`, `opensuse/15.6`, `alpine/3.22`,
 * `arch/rolling`. Point releases share their repositories, so they share the name. Undefined for an unusable id.
 */
export function releaseName(fields: ReadonlyMap<string, string>): DistributionName | undefined {
  const [id, release] = named((fields.get('ID') ?? '').toLowerCase(), fields);
  if (!WORD.test(id)) return undefined;
  return `${id}/${WORD.test(release.toLowerCase()) ? release.toLowerCase() : 'rolling'}`;
}
