import { distributionData } from '../distro/index.ts';

/**
 * Names of distributions as documents write them → ours (`debian/bookworm`, `rhel/9`), and of language ecosystems →
 * package URL types (`npm`, `pypi`). Undefined for what has no packages we could compare (Git commits, products).
 */

const UBUNTU: Readonly<Record<string, string>> = {
  '14.04': 'trusty',
  '16.04': 'xenial',
  '18.04': 'bionic',
  '20.04': 'focal',
  '22.04': 'jammy',
  '24.04': 'noble',
  '24.10': 'oracular',
  '25.04': 'plucky',
  '25.10': 'questing',
};

/** Debian's releases that data/distributions.json no longer serves but advisories still name. */
const OLD_DEBIAN: Readonly<Record<string, string>> = { '7': 'wheezy', '8': 'jessie', '9': 'stretch', '10': 'buster' };

function debianCodename(version: string): string | undefined {
  const major = version.split('.')[0] ?? '';
  const releases = Object.entries(distributionData('debian')?.releases ?? {});
  return releases.find(([, release]) => release.version !== '' && release.version === major)?.[0] ?? OLD_DEBIAN[major];
}

/** @param id of os-release; @param version its VERSION_ID, as exact as the document gives it */
export function distributionOf(id: string, version: string): string | undefined {
  const clean = version.toLowerCase().replace(/^v(?=\d)/, '');
  if (!/^[a-z0-9.]{1,32}$/.test(clean) && id !== 'opensuse-tumbleweed') return undefined;
  const major = clean.split('.')[0] ?? '';
  switch (id) {
    case 'debian': {
      const codename = /^\d/.test(clean) ? debianCodename(clean) : clean;
      return codename === undefined ? undefined : `debian/${codename}`;
    }
    case 'ubuntu': {
      const codename = /^\d/.test(clean) ? UBUNTU[clean] : clean;
      return codename === undefined ? undefined : `ubuntu/${codename}`;
    }
    case 'alpine':
      return clean === 'edge' ? 'alpine/edge' : `alpine/${clean.split('.').slice(0, 2).join('.')}`;
    case 'rhel':
    case 'rocky':
    case 'almalinux':
    case 'ol':
    case 'centos':
      return `${id}/${major}`;
    case 'opensuse-tumbleweed':
      return 'opensuse/tumbleweed';
    default:
      return `${id}/${clean}`;
  }
}

/** OSV's ecosystems that are languages → package URL types. */
const LANGUAGES: Readonly<Record<string, string>> = {
  npm: 'npm',
  PyPI: 'pypi',
  Go: 'golang',
  Maven: 'maven',
  'crates.io': 'cargo',
  RubyGems: 'gem',
  Packagist: 'composer',
  NuGet: 'nuget',
  Hex: 'hex',
  Pub: 'pub',
  CRAN: 'cran',
  Hackage: 'hackage',
};

const OSV_DISTRIBUTIONS: Readonly<Record<string, string>> = {
  Debian: 'debian',
  Alpine: 'alpine',
  'Rocky Linux': 'rocky',
  AlmaLinux: 'almalinux',
  Mageia: 'mageia',
  'Azure Linux': 'azurelinux',
  'Photon OS': 'photon',
};

/** `Debian:12`, `Alpine:v3.20`, `Ubuntu:22.04:LTS`, `npm` (https://ossf.github.io/osv-schema/#affectedpackage-field) */
export function ecosystemOfOsv(text: string): string | undefined {
  const [name = '', ...rest] = text.split(':');
  if (Object.hasOwn(LANGUAGES, name)) return LANGUAGES[name];
  if (name === 'Wolfi' || name === 'Chainguard') return `${name.toLowerCase()}/rolling`;
  if (name === 'Ubuntu') {
    // Ubuntu:Pro:18.04:LTS is fixed only for subscribers: their archive is another repository.
    return rest[0] === 'Pro' || rest[0] === undefined ? undefined : distributionOf('ubuntu', rest[0]);
  }
  if (name === 'Red Hat') {
    const version = /^enterprise_linux:(\d+)/.exec(rest.join(':'))?.[1];
    return version === undefined ? undefined : `rhel/${version}`;
  }
  if (name === 'SUSE' || name === 'openSUSE')
    return distributionOfTitle(`${name === 'SUSE' ? '' : 'openSUSE '}${rest.join(':')}`);
  const id = OSV_DISTRIBUTIONS[name];
  return id === undefined || rest[0] === undefined ? undefined : distributionOf(id, rest[0]);
}

/** `cpe:/o:redhat:enterprise_linux:9::baseos`, `cpe:2.3:o:suse:sles:15:sp5:*:…` */
export function distributionOfCpe(cpe: string): string | undefined {
  const parts = cpe
    .replace(/^cpe:2\.3:/, '')
    .replace(/^cpe:\//, '')
    .split(':');
  const [, vendor = '', product = '', version = '', update = ''] = parts;
  if (vendor === 'redhat' && product === 'enterprise_linux')
    return version === '' ? undefined : distributionOf('rhel', version);
  if (vendor === 'redhat' && /^rhel_(?:eus|aus|tus|e4s)$/.test(product)) return undefined;
  if (vendor === 'suse' && product === 'sles') {
    const pack = /^sp(\d+)$/.exec(update)?.[1];
    return distributionOf('sles', pack === undefined ? version : `${version}.${pack}`);
  }
  if (vendor === 'opensuse' && product === 'leap') return distributionOf('opensuse', version);
  if (vendor === 'opensuse' && product === 'tumbleweed') return 'opensuse/tumbleweed';
  const simple: Readonly<Record<string, string>> = {
    'debian:debian_linux': 'debian',
    'canonical:ubuntu_linux': 'ubuntu',
    'rocky:rocky': 'rocky',
    'almalinux:almalinux': 'almalinux',
    'fedoraproject:fedora': 'fedora',
    'oracle:linux': 'ol',
    'alpinelinux:alpine_linux': 'alpine',
  };
  const id = simple[`${vendor}:${product}`];
  return id === undefined || version === '' ? undefined : distributionOf(id, version);
}

/** Names for people, most special first. */
const TITLES: readonly (readonly [RegExp, string])[] = [
  [/^Debian GNU\/Linux (\d+)/, 'debian'],
  [/^Debian (\d+)/, 'debian'],
  [/^Ubuntu (\d+\.\d+)/, 'ubuntu'],
  [/^Red Hat Enterprise Linux (?:\w+ )?(?:\(v\. )?(\d+)/, 'rhel'],
  [/^Rocky Linux (\d+)/, 'rocky'],
  [/^AlmaLinux (\d+)/, 'almalinux'],
  [/^Oracle Linux (\d+)/, 'ol'],
  [/^Fedora (?:Linux )?(\d+)/, 'fedora'],
  [/^Amazon Linux (\d+)/, 'amzn'],
  [/^openSUSE Leap (\d+\.\d+)/, 'opensuse'],
  [/^openSUSE Tumbleweed()/, 'opensuse-tumbleweed'],
];

/** `Debian GNU/Linux 12`, `Red Hat Enterprise Linux 9`, `SUSE Linux Enterprise Server 15 SP5`, `openSUSE Leap 15.6` */
export function distributionOfTitle(title: string): string | undefined {
  const text = title.trim().replace(/\s+/g, ' ').slice(0, 200);
  const suse = /^SUSE Linux Enterprise (?:Server|Module for [\w -]+?) (\d+)(?:[ -]SP(\d+))?(?:$| for| -)/.exec(text);
  // Modules are where Server's packages come from since 15; long-term support and SAP editions have repositories of their own.
  if (suse !== null)
    return /LTSS|SAP/.test(text)
      ? undefined
      : distributionOf('sles', suse[2] === undefined ? (suse[1] ?? '') : `${suse[1]}.${suse[2]}`);
  for (const [pattern, id] of TITLES) {
    const match = pattern.exec(text);
    if (match !== null) return distributionOf(id, match[1] ?? '');
  }
  return undefined;
}
