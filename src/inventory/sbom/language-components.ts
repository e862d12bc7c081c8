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
    });
    const property = (name: string, value: string): unknown =>
      component.properties.add(new Models.Property(`heraklit:${name}`, value));
    for (const location of item.locations) property('location', placeText(location));
    for (const evidence of new Set(item.locations.map((location) => location.evidence))) property('evidence', evidence);
    const layers = new Set(item.locations.flatMap(({ layer }) => (layer === undefined ? [] : [layer])));
    for (const layer of layers) property('layer', layer);
    if (item.state === 'declared') property('state', item.state);
    if (item.dev) property('development', 'true');
    return component;
  });
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
