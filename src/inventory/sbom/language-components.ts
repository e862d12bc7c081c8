import * as Enums from '@cyclonedx/cyclonedx-library/Enums';
import * as Models from '@cyclonedx/cyclonedx-library/Models';
import type { LanguagePackage } from '../../language/index.ts';

/** Packages of languages that stand on their own: the distribution's packages speak for what they brought. */
export function ownPackages(packages: readonly LanguagePackage[]): readonly LanguagePackage[] {
  return packages.filter((item) => item.owner === undefined);
}

/**
 * One component a package and version, with every place as a property. What is only declared, or only there for
 * development, has the scope `optional`.
 * @param refs references used so far in the document, by purl
 */
export function languageComponents(
  packages: readonly LanguagePackage[],
  refs: Map<string, number>,
): readonly Models.Component[] {
  return ownPackages(packages).map((item) => {
    const seen = refs.get(item.purl) ?? 0;
    refs.set(item.purl, seen + 1);
    const component = new Models.Component(Enums.ComponentType.Library, item.name, {
      bomRef: seen === 0 ? item.purl : `${item.purl}#${seen + 1}`,
      version: item.version,
      purl: item.purl,
      ...(item.state === 'declared' || item.dev ? { scope: Enums.ComponentScope.Optional } : {}),
      ...cpeMember(item),
    });
    const sha1 = detailOf(item, 'sha1');
    if (sha1 !== undefined) component.hashes.set(Enums.HashAlgorithm['SHA-1'], sha1);
    const property = (name: string, value: string): unknown =>
      component.properties.add(new Models.Property(`heraklit:${name}`, value));
    for (const location of item.locations) property('location', placeText(location));
    for (const evidence of new Set(item.locations.map((location) => location.evidence))) property('evidence', evidence);
    const layers = new Set(item.locations.flatMap(({ layer }) => (layer === undefined ? [] : [layer])));
    for (const layer of layers) property('layer', layer);
    if (item.state === 'declared') property('state', item.state);
    if (item.dev) property('development', 'true');
    if (item.locations.every(({ guessed }) => guessed === true)) property('guessed', 'true');
    for (const name of TOLD) {
      const value = detailOf(item, name);
      if (value !== undefined) property(name, value);
    }
    return component;
  });
}

/** Details that are properties; `cpe` and `sha1` have places of their own. */
const TOLD = ['build', 'replaced-by', 'replaces', 'revision', 'source', 'sum', 'toolchain', 'vendor'] as const;

/** A detail on which all places of a package agree; undefined where one says otherwise or nothing. */
export function detailOf(item: LanguagePackage, name: string): string | undefined {
  const values = new Set(item.locations.map(({ details }) => details?.[name]));
  return values.size === 1 ? [...values][0] : undefined;
}

function cpeMember(item: LanguagePackage): { readonly cpe?: string } {
  const cpe = detailOf(item, 'cpe');
  return cpe === undefined ? {} : { cpe };
}

/** `app/server.jar!/BOOT-INF/lib/a.jar` */
export function placeText({ path, within }: LanguagePackage['locations'][number]): string {
  return within === undefined ? path : `${path}!/${within}`;
}

/** Package of the distribution → what it brought, as package URLs. */
export function broughtBy(packages: readonly LanguagePackage[]): ReadonlyMap<string, readonly string[]> {
  const brought = new Map<string, string[]>();
  for (const { owner, purl } of packages) {
    if (owner === undefined) continue;
    const list = brought.get(owner);
    if (list === undefined) brought.set(owner, [purl]);
    else list.push(purl);
  }
  return brought;
}
