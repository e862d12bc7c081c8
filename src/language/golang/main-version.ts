import type { GoBuild } from './build.ts';

const DEVELOPMENT = '(devel)';
const SEMANTIC = /^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;
/** `-X importpath.name=value`, quoted or not. */
const SET_VARIABLE = /-X[= ]?\s*(['"]?)([^\s'"=]+)=([^\s'"]+)\1/g;

/**
 * Version of a program's own module. Go says `(devel)` for what was built from a work tree; builds say then what they are
 * by setting a variable, or the commit is known, whose pseudo-version Go itself writes since 1.24.
 */
export function mainVersion({ main, path, settings }: GoBuild): {
  readonly version: string;
  readonly isGuessed: boolean;
} {
  const told = main?.version ?? '';
  if (told !== '' && told !== DEVELOPMENT) return { version: told, isGuessed: false };
  const set = setVersion(settings.get('-ldflags') ?? '', path ?? '');
  const guess = set ?? pseudoVersion(settings.get('vcs.revision') ?? '', settings.get('vcs.time') ?? '');
  return { version: guess ?? DEVELOPMENT, isGuessed: guess !== undefined };
}

/** The version that the build set: in the main package, else the only one anywhere. */
function setVersion(flags: string, path: string): string | undefined {
  const versions = [...flags.matchAll(SET_VARIABLE)].flatMap(([, , name = '', value = '']) =>
    /(?:^|\.)(?:[a-z]*version|ver)$/i.test(name.slice(name.lastIndexOf('/') + 1)) && SEMANTIC.test(value)
      ? [{ name, value: value.startsWith('v') ? value : `v${value}` }]
      : [],
  );
  const own = versions.find(({ name }) => name.startsWith('main.') || name.startsWith(`${path}.`));
  if (own !== undefined) return own.value;
  return new Set(versions.map(({ value }) => value)).size === 1 ? versions[0]?.value : undefined;
}

/** @see https://go.dev/ref/mod#pseudo-versions */
function pseudoVersion(revision: string, time: string): string | undefined {
  if (!/^[0-9a-f]{12,}$/.test(revision)) return undefined;
  const moment = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(time);
  return moment === null ? undefined : `v0.0.0-${moment.slice(1).join('')}-${revision.slice(0, 12)}`;
}
