import type { PackageURL } from 'packageurl-js';
import type { LanguagePackage } from '../../../language/index.ts';
import { packageOfPurl } from '../../../language/packages/index.ts';
import type { SbomComponent } from './types.ts';

/** Where tools note the file that told of a package. */
const PLACES = ['heraklit:location', 'syft:location:0:path', 'aquasecurity:trivy:FilePath', 'SrcFile'];

/** A package of a language as an SBOM tells of it; undefined for types that are none (`oci`, `github`, …). */
export function languagePackage(component: SbomComponent, purl: PackageURL): LanguagePackage | undefined {
  const found = packageOfPurl(purl);
  if (found === undefined) return undefined;
  const places = PLACES.flatMap((name) => component.notes.get(name) ?? []);
  const layer = component.notes.get('heraklit:layer')?.[0];
  return {
    ...found,
    state: component.notes.has('heraklit:state') || component.optional ? 'declared' : 'installed',
    dev: component.notes.has('heraklit:development'),
    owner: undefined,
    locations: (places.length === 0 ? [''] : places).map((place) => {
      const [path = '', within] = place.replace(/^\//, '').split('!/', 2);
      return { path, ...(within === undefined ? {} : { within }), evidence: 'sbom', layer };
    }),
  };
}
