import { isArtifactId, isVersion, looksLikeGroup } from './artifact.ts';

/** What a jar's MANIFEST.MF says of the jar, as far as it can be believed. */
export interface ManifestFacts {
  /** Group of whoever made it; '' where it says none. */
  readonly vendor: string;
  /** Names of its own as a bundle and as a module, dotted. */
  readonly names: readonly string[];
  readonly artifact: string;
  readonly version: string;
  /** Part of the Java runtime, which its `release` file tells of. */
  readonly isRuntime: boolean;
}

/**
 * Main attributes of `META-INF/MANIFEST.MF`. Titles are often sentences and vendors companies: only what is spelled like
 * an id is taken for one.
 * @see https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest
 */
export function readManifest(text: string): ManifestFacts {
  const values = mainAttributes(text);
  const symbolic = (values.get('bundle-symbolicname') ?? '').replace(/;.*$/s, '').trim();
  const module = values.get('automatic-module-name') ?? '';
  const first = (names: readonly string[], accept: (text: string) => boolean): string =>
    names.map((name) => values.get(name) ?? '').find(accept) ?? '';
  const version = first(['implementation-version', 'bundle-version', 'specification-version'], isVersion);
  const title = first(['implementation-title', 'specification-title', 'bundle-name'], isArtifactId);
  // The foundation has no artifacts of its own, its projects have.
  const vendor = first(['implementation-vendor-id'], (text) => looksLikeGroup(text) && text !== 'org.apache');
  const isRuntime = values.get('specification-title') === 'Java Platform API Specification';
  return { vendor, names: [symbolic, module].filter(looksLikeGroup), artifact: title, version, isRuntime };
}

/**
 * The group of an artifact as its manifest tells it. A bundle is named GROUP.ARTIFACT or like a Java package, and only the
 * former says what the group is: told apart by a hyphen, which packages cannot have.
 */
export function groupOf({ vendor, names }: ManifestFacts, artifact: string): string {
  const bundle = artifact.includes('-') ? names.find((name) => name.endsWith(`.${artifact}`)) : undefined;
  return bundle?.slice(0, -artifact.length - 1) ?? vendor;
}

function mainAttributes(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const lines = text.replace(/(?:\r\n|\r|\n) /g, '').split(/\r\n|\r|\n/);
  for (const line of lines) {
    // Sections of single files follow the first blank line.
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon > 0) values.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return values;
}
