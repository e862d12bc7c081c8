import { SaxesParser } from 'saxes';
import { type Coordinates, validCoordinates } from './artifact.ts';

/** Elements below `project` that count, by path. */
const WANTED = /^project\/(?:parent\/)?(?:groupId|artifactId|version)$|^project\/properties\/[^/]+$/;
const MAX_DEPTH = 100;
const MAX_SUBSTITUTIONS = 8;

/**
 * Coordinates that a `pom.xml` gives its artifact; group and version may come from its parent or from properties.
 * @returns undefined where they cannot be told from this file alone
 */
export function parsePomXml(text: string): Coordinates | undefined {
  const values = elementsOf(text);
  const own = (name: string): string => values.get(`project/${name}`) ?? '';
  const parent = (name: string): string => values.get(`project/parent/${name}`) ?? '';
  const known = new Map<string, string>();
  for (const [path, value] of values) {
    if (path.startsWith('project/properties/')) known.set(path.slice('project/properties/'.length), value);
  }
  for (const name of ['groupId', 'artifactId', 'version']) {
    known.set(`project.${name}`, own(name) || parent(name));
    known.set(`project.parent.${name}`, parent(name));
  }
  const resolved = (name: string, inherited: boolean): string =>
    substitute(own(name) || (inherited ? parent(name) : ''), known);
  return validCoordinates(resolved('groupId', true), resolved('artifactId', false), resolved('version', true));
}

function substitute(text: string, known: ReadonlyMap<string, string>): string {
  let value = text;
  for (let round = 0; round < MAX_SUBSTITUTIONS && value.includes('${') && value.length < 1000; round += 1) {
    value = value.replace(/\$\{([^${}]+)\}/g, (whole, name: string) => known.get(name) ?? whole);
  }
  return value;
}

function elementsOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const path: string[] = [];
  let content = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name }) => {
    if (path.length >= MAX_DEPTH) throw new Error(`elements nested deeper than ${MAX_DEPTH}`);
    path.push(name.replace(/^.*:/, ''));
    content = '';
  });
  parser.on('text', (piece) => {
    content += piece;
  });
  parser.on('closetag', () => {
    const at = path.join('/');
    if (WANTED.test(at)) values.set(at, content.trim());
    path.pop();
    content = '';
  });
  try {
    parser.write(text).close();
  } catch {
    // What came before the damage stands: coordinates are at the top.
  }
  return values;
}
