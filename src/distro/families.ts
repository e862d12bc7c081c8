import { distributionData } from './releases.ts';
import type { EcosystemId } from './types.ts';

/** os-release ids by package format; derivatives are found by ID_LIKE. */
const IDS: Readonly<Record<EcosystemId, readonly string[]>> = {
  deb: ['debian', 'ubuntu', 'raspbian', 'devuan', 'linuxmint', 'kali'],
  rpm: [
    'fedora',
    'rhel',
    'centos',
    'rocky',
    'almalinux',
    'amzn',
    'ol',
    'opensuse',
    'opensuse-leap',
    'opensuse-tumbleweed',
    'suse',
    'sles',
    'azurelinux',
    'mariner',
    'photon',
    'openEuler',
  ],
  apk: ['alpine', 'wolfi', 'chainguard', 'postmarketos'],
  alpm: ['arch', 'archarm', 'archlinux', 'manjaro'],
};

const FAMILY = new Map(
  (Object.entries(IDS) as [EcosystemId, readonly string[]][]).flatMap(([family, ids]) =>
    ids.map((id) => [id.toLowerCase(), family] as const),
  ),
);

/** The package format of a distribution, by its id, else by what it is like; undefined where neither is known. */
export function familyOf(id: string, like = ''): EcosystemId | undefined {
  return [id, ...like.split(/\s+/)]
    .map((name) => FAMILY.get(name.toLowerCase()))
    .find((family) => family !== undefined);
}

/** The package format of a distribution by its name (`alpine/3.22`); deb where nobody knows it: mirrors will tell. */
export function familyOfDistribution(distribution: string): EcosystemId {
  const [id = ''] = distribution.split('/', 1);
  return distributionData(id)?.family ?? familyOf(id) ?? 'deb';
}
