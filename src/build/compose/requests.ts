import type { PackageRequest, Preferences, VersionConstraint } from '../../distro/index.ts';
import type { Recipe } from '../../recipe/index.ts';

const REQUEST = /^([^:=( ]+)(?::([^=( ]+))?(?:=(.+)| ?\((.+)\))?$/;
const CONSTRAINT = /^(<<|<=|=|>=|>>) ?(.+)$/;

/** `name`, `name=version`, `name (>= version, << version)`, each also with `name:architecture`, as the schema allows. */
export function parseRequest(text: string): PackageRequest {
  const [, name = '', architecture, version, limits] = REQUEST.exec(text) ?? [];
  const constraints = (limits ?? '').split(/, ?/).flatMap((limit): readonly VersionConstraint[] => {
    const [, operator, bound] = CONSTRAINT.exec(limit) ?? [];
    return bound === undefined ? [] : [{ operator: operator as VersionConstraint['operator'], version: bound }];
  });
  return {
    name,
    ...(architecture === undefined ? {} : { architecture }),
    ...(version === undefined ? {} : { version }),
    ...(constraints.length === 0 ? {} : { constraints }),
  };
}

/** Pins and exclusions as the solver takes them; undefined where the recipe has none: apt's own priorities hold. */
export function preferencesOf({ pins = [], exclude = [] }: Recipe): Preferences | undefined {
  return pins.length === 0 && exclude.length === 0 ? undefined : { pins, excluded: exclude };
}
