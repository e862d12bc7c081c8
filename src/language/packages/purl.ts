import { PackageURL } from 'packageurl-js';
import type { Ecosystem } from '../types.ts';

const ECOSYSTEMS: readonly Ecosystem[] = [
  ...(['npm', 'pypi', 'maven', 'golang', 'cargo', 'gem', 'composer'] as const),
  ...(['nuget', 'cpan', 'cran', 'hex', 'conda', 'generic'] as const),
];

/** Where a name splits into the namespace and the name of a package URL. */
const SEPARATORS: Readonly<Partial<Record<Ecosystem, string>>> = {
  npm: '/',
  maven: ':',
  golang: '/',
  composer: '/',
  hex: '/',
};

/**
 * Package URL of a language package, canonical for its type.
 * @see https://github.com/package-url/purl-spec
 */
export function languagePurl(ecosystem: Ecosystem, name: string, version: string): string {
  const spelled = spelling(ecosystem, name);
  const separator = SEPARATORS[ecosystem];
  const at = separator === undefined ? -1 : spelled.lastIndexOf(separator);
  const namespace = at > 0 ? spelled.slice(0, at) : undefined;
  try {
    const purl = new PackageURL(ecosystem, namespace, spelled.slice(at + 1), version, undefined, undefined).toString();
    // The library leaves + in versions; canonical is %2B (purl-spec, "Character encoding"), and readers compare text.
    return purl.replaceAll('+', '%2B');
  } catch {
    // Names that the type's own rules forbid exist all the same: on private registries, and in hostile images.
    return `pkg:${ecosystem}/${[...(namespace ?? '').split('/'), spelled.slice(at + 1)]
      .filter((part) => part !== '')
      .map(encodeURIComponent)
      .join('/')}@${encodeURIComponent(version)}`;
  }
}

function spelling(ecosystem: Ecosystem, name: string): string {
  if (ecosystem === 'pypi') return pypiName(name);
  // A module is part of a distribution whose name has dashes.
  return ecosystem === 'cpan' ? name.replaceAll('::', '-') : name;
}

/** Names that PyPI takes for the same are spelled one way (PEP 503). */
export function pypiName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** The package that a package URL names, spelled as its registry does; undefined for types that are no language's. */
export function packageOfPurl(
  purl: PackageURL,
):
  | { readonly ecosystem: Ecosystem; readonly name: string; readonly version: string; readonly purl: string }
  | undefined {
  const ecosystem = ECOSYSTEMS.find((one) => one === purl.type);
  if (ecosystem === undefined) return undefined;
  const name = purl.namespace ? `${purl.namespace}${SEPARATORS[ecosystem] ?? '/'}${purl.name}` : purl.name;
  const version = purl.version ?? '';
  return { ecosystem, name, version, purl: languagePurl(ecosystem, name, version) };
}
