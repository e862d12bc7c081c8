/** A Maven artifact's coordinates; `group` is '' where nothing says it. */
export interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** What Maven allows in ids, and versions found in the wild. */
const ID = /^[A-Za-z0-9_.-]{1,256}$/;
const VERSION = /^[A-Za-z0-9_.+@~-]{1,128}$/;
const GROUP = /^[A-Za-z][\w-]*(?:\.[\w-]+)+$/;

export function isArtifactId(text: string): boolean {
  return ID.test(text);
}

export function isVersion(text: string): boolean {
  return VERSION.test(text) && /\d/.test(text);
}

/** True for a reversed domain, as groups are by convention. */
export function looksLikeGroup(text: string): boolean {
  return GROUP.test(text);
}

/** Coordinates whose ids and version are such, undefined otherwise (unresolved `${…}`, for one). */
export function validCoordinates(group: string, artifact: string, version: string): Coordinates | undefined {
  if (!isArtifactId(artifact) || !isVersion(version)) return undefined;
  return { group: isArtifactId(group) ? group : '', artifact, version };
}

/** Name and version as a jar's file name tells them: `NAME-VERSION.jar`; the version is '' where it tells none. */
export function splitFileName(name: string): { readonly artifact: string; readonly version: string } {
  const base = name.replace(/\.[A-Za-z]+$/, '');
  // Scala's names end in the language's version: cats-core_2.13-2.10.0.
  const match = /^(.+?)-(v?\d[A-Za-z0-9_.+-]*)$/.exec(base) ?? /^(.+?)_(v?\d[A-Za-z0-9_.+-]*)$/.exec(base);
  if (match === null) return { artifact: base, version: '' };
  const version = (match[2] as string).replace(/^v/, '');
  // Debian links `jackson-core-2.x.jar` to whatever is there.
  return { artifact: match[1] as string, version: /(?:^|\.)x$/.test(version) ? '' : version };
}

/** As in package URLs' readers and Maven itself: `group:artifact`. */
export function nameOf({ group, artifact }: Coordinates): string {
  return group === '' ? artifact : `${group}:${artifact}`;
}
