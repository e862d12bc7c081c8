import type { ImageContents } from '../../inventory/index.ts';
import { renderTable } from './table.ts';
import { count, shortDigest } from './words.ts';

type LanguagePackage = ImageContents['languagePackages'][number];

/** Packages of languages as lines below those of the distribution; what the distribution brought is only counted. */
export function languageTable(packages: readonly LanguagePackage[]): readonly string[] {
  const own = packages.filter((item) => item.owner === undefined);
  const table = renderTable(own, [
    { title: 'PACKAGE', value: (item) => item.name },
    { title: 'VERSION', value: (item) => item.version },
    { title: 'KIND', value: kindText },
    { title: 'WHERE', value: whereText },
    { title: 'LAYER', value: layerText },
  ]);
  const owned = packages.length - own.length;
  return [
    ...(own.length === 0 ? [] : ['', table]),
    ...(owned === 0 ? [] : ['', `${count(owned, 'package')} of languages came with packages of the distribution.`]),
  ];
}

function kindText({ ecosystem, state, dev }: LanguagePackage): string {
  return [ecosystem, ...(state === 'declared' ? [state] : []), ...(dev ? ['dev'] : [])].join(', ');
}

function whereText({ locations }: LanguagePackage): string {
  const [first] = locations;
  if (first === undefined) return '';
  const place = first.within === undefined ? first.path : `${first.path}!/${first.within}`;
  return locations.length === 1 ? place : `${place} and ${locations.length - 1} more`;
}

function layerText({ locations }: LanguagePackage): string {
  const layer = locations[0]?.layer;
  return layer === undefined ? '' : shortDigest(layer);
}
