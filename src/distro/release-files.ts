import { releaseText } from './os-release.ts';
import type { PackageIdentity } from './types.ts';

/** Files beside os-release that name a distribution, by their paths: roots older than os-release have nothing else. */
export const RELEASE_FILES = [
  'etc/alpine-release',
  'etc/arch-release',
  'etc/oracle-release',
  'etc/system-release',
  'etc/fedora-release',
  'etc/redhat-release',
  'etc/SuSE-release',
] as const;

/** `NAME release VERSION (codename)`, the form of Red Hat's descendants, by the words that begin it. */
const RED_HAT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^red hat enterprise linux/i, 'rhel'],
  [/^centos/i, 'centos'],
  [/^fedora/i, 'fedora'],
  [/^rocky/i, 'rocky'],
  [/^almalinux/i, 'almalinux'],
  [/^oracle/i, 'ol'],
  [/^amazon/i, 'amzn'],
  [/^scientific/i, 'scientific'],
];

type Fields = ReadonlyMap<string, string>;

const fieldsOf = (id: string, version: string, name: string): Fields =>
  new Map([
    ['ID', id],
    ['VERSION_ID', version],
    ['NAME', name],
    ['PRETTY_NAME', name],
  ]);

function fromFile(path: string, text: string): Fields | undefined {
  const line = text.trim().split('\n')[0]?.trim() ?? '';
  if (path === 'etc/arch-release') return fieldsOf('arch', '', 'Arch Linux');
  if (path === 'etc/alpine-release') {
    return /^\d+\.\d+/.test(line) ? fieldsOf('alpine', line, `Alpine Linux ${line}`) : undefined;
  }
  if (path === 'etc/SuSE-release') {
    const version = /^VERSION\s*=\s*(\S+)/m.exec(text)?.[1];
    const patch = /^PATCHLEVEL\s*=\s*([1-9]\d*)/m.exec(text)?.[1];
    if (version === undefined) return undefined;
    return fieldsOf(/opensuse/i.test(line) ? 'opensuse' : 'sles', patch ? `${version}.${patch}` : version, line);
  }
  const version = /\brelease (\d+(?:\.\d+)*)/i.exec(line)?.[1];
  const id = RED_HAT_WORDS.find(([words]) => words.test(line))?.[1];
  return id === undefined || version === undefined ? undefined : fieldsOf(id, version, line);
}

/** What the first release file that says anything says, as os-release fields. */
export function fieldsOfReleaseFiles(files: ReadonlyMap<string, Uint8Array>): Fields | undefined {
  for (const path of RELEASE_FILES) {
    const bytes = files.get(path);
    const fields = bytes === undefined ? undefined : fromFile(path, releaseText(bytes));
    if (fields !== undefined) return fields;
  }
  return undefined;
}

/** Packages that every root of a distribution has and no other: distribution id by package name. */
const EVIDENCE: readonly (readonly [RegExp, string])[] = [
  [/^fedora-release(?:-common)?$/, 'fedora'],
  [/^centos-(?:linux-|stream-)?release$/, 'centos'],
  [/^redhat-release(?:-server)?$/, 'rhel'],
  [/^rocky-release$/, 'rocky'],
  [/^almalinux-release$/, 'almalinux'],
  [/^oraclelinux-release$/, 'ol'],
  [/^openSUSE-release$/, 'opensuse-tumbleweed'],
  [/^Leap-release$/, 'opensuse-leap'],
  [/^sles-release$/, 'sles'],
  [/^alpine-release$/, 'alpine'],
  [/^wolfi-baselayout$/, 'wolfi'],
  [/^chainguard-baselayout$/, 'chainguard'],
  [/^archlinux-keyring$/, 'arch'],
];

/** What a root without any file that names it has installed, as os-release fields. */
export function fieldsOfPackages(packages: readonly Pick<PackageIdentity, 'name' | 'version'>[]): Fields | undefined {
  for (const { name, version } of packages) {
    const id = EVIDENCE.find(([pattern]) => pattern.test(name))?.[1];
    if (id === undefined) continue;
    const upstream = version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
    // Tumbleweed and the last openSUSE before Leap share a package name: only a date is a rolling state.
    const isOld = id === 'opensuse-tumbleweed' && !/^\d{8}/.test(upstream);
    return fieldsOf(isOld ? 'opensuse' : id, upstream, `${id} ${upstream}`);
  }
  return undefined;
}
