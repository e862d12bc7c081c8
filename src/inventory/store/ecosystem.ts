import { ecosystemOf } from '../../distro/index.ts';
import { isLanguageEcosystem, languageVersionOrder } from '../../language/versions/index.ts';

/** The version order of an ecosystem: a distribution's format or a language. */
export function versionOrder(ecosystem: string): (left: string, right: string) => number {
  return isLanguageEcosystem(ecosystem) ? languageVersionOrder(ecosystem) : ecosystemOf(ecosystem).compareVersions;
}
