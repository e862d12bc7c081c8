import { ecosystemOf } from '../../distro/index.ts';

/** The version order of an ecosystem: a distribution's format or a language. */
export function versionOrder(ecosystem: string): (left: string, right: string) => number {
  return ecosystemOf(ecosystem).compareVersions;
}
