import { type Coordinates, validCoordinates } from './artifact.ts';

/**
 * `META-INF/maven/GROUP/ARTIFACT/pom.properties`, which Maven puts into every jar it builds.
 * @returns undefined where one of the three is missing
 */
export function parsePomProperties(text: string): Coordinates | undefined {
  const values = parseProperties(text);
  const value = (key: string): string => values.get(key) ?? '';
  const found = validCoordinates(value('groupId'), value('artifactId'), value('version'));
  return found?.group === '' ? undefined : found;
}

/** @see https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader- */
function parseProperties(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.replace(/\\\r?\n[ \t\f]*/g, '').split(/\r\n|\r|\n/)) {
    const match = /^[ \t\f]*([^#!\s=:][^\s=:]*)[ \t\f]*[=: \t\f][ \t\f]*(.*)$/.exec(line);
    if (match !== null) values.set(match[1] as string, (match[2] as string).replace(/\\(.)/g, '$1').trim());
  }
  return values;
}
