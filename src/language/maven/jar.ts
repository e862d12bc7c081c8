import { createHash } from 'node:crypto';
import {
  type ByteSource,
  bufferSource,
  readZipDirectory,
  readZipEntry,
  storedZipEntry,
  type ZipEntry,
} from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { type Coordinates, isVersion, splitFileName, validCoordinates } from './artifact.ts';
import { knownGroup } from './groups.ts';
import { groupOf, readManifest } from './manifest.ts';
import { parsePomProperties } from './pom-properties.ts';
import { parsePomXml } from './pom-xml.ts';

/** An artifact that a jar is, or has inside. */
export interface JarArtifact extends Coordinates {
  /** Where inside the outermost jar, outermost first: `BOOT-INF/lib/a.jar!/META-INF/maven/…`; '' for the jar itself. */
  readonly within: string;
  /** Told by the manifest or the file name alone. */
  readonly guessed: boolean;
  /** Of the jar that is the artifact, hexadecimal; undefined for one that was merged into another jar. */
  readonly sha1: string | undefined;
}

export interface JarContents {
  readonly artifacts: readonly JarArtifact[];
  readonly problems: readonly string[];
}

export interface JarLimits {
  /** Jars inside jars. An application in an enterprise archive with merged libraries has three. */
  readonly depth: number;
  /** Jars inside one jar, all levels together. */
  readonly nested: number;
  /** Bytes that compressed inner jars of one jar unpack to, all together, and one of them. */
  readonly nestedBytes: number;
  readonly nestedJarBytes: number;
  /** Bytes of inner jars that are read in place, as a multiple of the outermost one's: entries may share their bytes. */
  readonly storedRatio: number;
  /** Entries, and descriptors among them, of one jar and all inside it. */
  readonly entries: number;
  readonly descriptors: number;
  /** Bytes of one descriptor, and of all of one jar. */
  readonly descriptorBytes: number;
  readonly descriptorsBytes: number;
}

export const JAR_LIMITS: JarLimits = {
  depth: 8,
  nested: 10_000,
  nestedBytes: 1024 * 1024 * 1024,
  nestedJarBytes: 64 * 1024 * 1024,
  storedRatio: 8,
  entries: 1_000_000,
  descriptors: 50_000,
  descriptorBytes: 4 * 1024 * 1024,
  descriptorsBytes: 256 * 1024 * 1024,
};

/** Ends of names of archives that hold classes; also which files are looked at. */
export const JAR_EXTENSIONS = ['.jar', '.war', '.ear', '.par', '.sar', '.rar', '.kar', '.nar', '.hpi', '.jpi'] as const;

const NESTED = new RegExp(`(?:${JAR_EXTENSIONS.join('|').replaceAll('.', '\\.')})$`, 'i');
const DESCRIPTOR = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.(?:properties|xml)$/;
const MANIFEST = 'META-INF/MANIFEST.MF';
const MAX_PROBLEMS = 20;

/** Reads what artifacts a jar is made of: its own, those merged into it, and those of the jars inside it. */
export function readJar(source: ByteSource, name: string, sha1: string, limits: JarLimits = JAR_LIMITS): JarContents {
  return new JarReading(limits).read(source, name, sha1);
}

class JarReading {
  readonly #limits: JarLimits;
  readonly #artifacts: JarArtifact[] = [];
  readonly #problems: string[] = [];
  #nested = 0;
  #nestedBytes = 0;
  #storedBytes = 0;
  #maxStoredBytes = 0;
  #entries = 0;
  #descriptorCount = 0;
  #descriptorsBytes = 0;

  constructor(limits: JarLimits) {
    this.#limits = limits;
  }

  read(source: ByteSource, name: string, sha1: string): JarContents {
    this.#maxStoredBytes = source.length * this.#limits.storedRatio;
    this.#jar(source, name, '', sha1, 0);
    return { artifacts: this.#artifacts, problems: this.#problems };
  }

  #jar(source: ByteSource, name: string, within: string, sha1: string, depth: number): void {
    let entries: readonly ZipEntry[];
    try {
      entries = this.#directory(source);
    } catch (error) {
      this.#problem(within, messageOf(error));
      return;
    }
    const found = this.#descriptors(source, entries, within);
    const own = identify(name, found.artifacts, found.manifest);
    if (own !== undefined) this.#artifacts.push({ ...own, within, sha1 });
    for (const { coordinates, entry } of found.artifacts) {
      if (coordinates === own?.from) continue;
      this.#artifacts.push({ ...coordinates, within: join(within, entry), guessed: false, sha1: undefined });
    }
    for (const entry of entries) if (NESTED.test(entry.name)) this.#inner(source, entry, within, depth + 1);
  }

  #directory(source: ByteSource): readonly ZipEntry[] {
    const isWanted = (name: string): boolean => {
      this.#entries += 1;
      return name === MANIFEST || DESCRIPTOR.test(name) || NESTED.test(name);
    };
    return readZipDirectory(source, { entries: Math.max(0, this.#limits.entries - this.#entries), select: isWanted });
  }

  #inner(source: ByteSource, entry: ZipEntry, within: string, depth: number): void {
    const at = join(within, entry.name);
    this.#nested += 1;
    if (this.#nested > this.#limits.nested + 1) return;
    try {
      const inner = this.#open(source, entry, depth);
      this.#jar(inner, entry.name.slice(entry.name.lastIndexOf('/') + 1), at, sha1Of(inner), depth);
    } catch (error) {
      this.#problem(at, messageOf(error));
    }
  }

  /** An inner jar: in its place where it is stored, else unpacked. @throws over a limit, and what damage throws */
  #open(source: ByteSource, entry: ZipEntry, depth: number): ByteSource {
    const { depth: maxDepth, nested, nestedBytes, nestedJarBytes } = this.#limits;
    if (depth > maxDepth) throw new Error(`jars nested deeper than ${maxDepth} are not read`);
    if (this.#nested > nested) throw new Error(`jars after the first ${nested} inside one are not read`);
    const stored = storedZipEntry(source, entry);
    if (stored !== undefined) {
      this.#storedBytes += stored.length;
      if (this.#storedBytes > this.#maxStoredBytes) throw new Error('its inner jars share their bytes with others');
      return stored;
    }
    this.#nestedBytes += entry.bytes;
    if (this.#nestedBytes > nestedBytes)
      throw new Error(`over the ${nestedBytes} bytes of inner jars that are unpacked`);
    return bufferSource(readZipEntry(source, entry, nestedJarBytes));
  }

  #descriptors(source: ByteSource, entries: readonly ZipEntry[], within: string): Descriptors {
    const artifacts = new Map<string, Described>();
    let manifest = '';
    for (const entry of entries) {
      const isManifest = entry.name === MANIFEST;
      if (!isManifest && !DESCRIPTOR.test(entry.name)) continue;
      const folder = entry.name.slice(0, entry.name.lastIndexOf('/'));
      // The properties are exact; the other file is only needed where they are missing.
      if (entry.name.endsWith('.xml') && artifacts.get(folder)?.entry.endsWith('.properties') === true) continue;
      const text = this.#text(source, entry, within);
      if (text === undefined) continue;
      if (isManifest) manifest = text;
      else {
        const coordinates = entry.name.endsWith('.xml') ? parsePomXml(text) : parsePomProperties(text);
        if (coordinates !== undefined) artifacts.set(folder, { coordinates, entry: entry.name });
      }
    }
    return { artifacts: [...artifacts.values()], manifest };
  }

  #text(source: ByteSource, entry: ZipEntry, within: string): string | undefined {
    try {
      this.#descriptorsBytes += entry.bytes;
      this.#descriptorCount += 1;
      if (this.#descriptorCount > this.#limits.descriptors) {
        throw new Error(`descriptors after the first ${this.#limits.descriptors} are not read`);
      }
      if (this.#descriptorsBytes > this.#limits.descriptorsBytes) {
        throw new Error(`over the ${this.#limits.descriptorsBytes} bytes of descriptors that are read`);
      }
      return readZipEntry(source, entry, this.#limits.descriptorBytes).toString('utf8');
    } catch (error) {
      this.#problem(join(within, entry.name), messageOf(error));
      return undefined;
    }
  }

  #problem(within: string, reason: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(within === '' ? reason : `${within}: ${reason}`);
  }
}

interface Described {
  readonly coordinates: Coordinates;
  /** Name of the descriptor. */
  readonly entry: string;
}

interface Descriptors {
  readonly artifacts: readonly Described[];
  readonly manifest: string;
}

type Own = Coordinates & { readonly guessed: boolean; readonly from: Coordinates | undefined };

/**
 * Which artifact a jar is: the descriptor that agrees with its file name, or the only one it has; else what its manifest
 * and file name say. With several descriptors and none that agrees, they were all merged into it.
 */
function identify(name: string, described: readonly Described[], manifest: string): Own | undefined {
  const file = splitFileName(name);
  const base = name.replace(/\.[A-Za-z]+$/, '');
  const agrees = ({ coordinates: { artifact, version } }: Described): boolean =>
    base === artifact || base === `${artifact}-${version}` || base.startsWith(`${artifact}-${version}-`);
  const [only] = described.length === 1 ? described : [];
  // A jar that was renamed keeps its version or has none in its name; another version is that of something merged into it.
  const isOnly = file.version === '' || file.version === only?.coordinates.version;
  const match = described.find(agrees) ?? (isOnly ? only : undefined);
  if (match !== undefined) return { ...match.coordinates, guessed: false, from: match.coordinates };
  const said = readManifest(manifest);
  if (said.isRuntime) return undefined;
  const version = isVersion(file.version) ? file.version : said.version;
  // A file name with a version is how repositories name artifacts; titles are for people.
  const artifact = file.version !== '' || said.artifact === '' ? file.artifact : said.artifact;
  const group = knownGroup(artifact, version) || groupOf(said, artifact);
  const coordinates = validCoordinates(group, artifact, version);
  return coordinates === undefined ? undefined : { ...coordinates, guessed: true, from: undefined };
}

const HASH_STEP = 1024 * 1024;

function sha1Of(source: ByteSource): string {
  const hash = createHash('sha1');
  for (let at = 0; at < source.length; at += HASH_STEP) {
    hash.update(source.read(at, Math.min(HASH_STEP, source.length - at)));
  }
  return hash.digest('hex');
}

/** Characters of one name on the way to a place; names in a zip archive may have 65,535 of any kind. */
const MAX_SHOWN = 300;

function join(within: string, name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const shown = name.slice(0, MAX_SHOWN).replace(/[\u0000-\u001f\u007f\ud800-\udfff]/gu, '?');
  return within === '' ? shown : `${within}!/${shown}`;
}
