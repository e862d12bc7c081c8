/** Packages of languages that trivy finds in an image and `heraklit scan` misses, and the other way round. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freshHome, HERAKLIT, sh, TRIVY, WORK } from './fixtures.ts';

const TRIVY_CACHE = join(WORK, 'languages-trivy-cache');

/** trivy reads no jar without a database of their checksums, which it would download: an empty one does. */
function emptyJavaDatabase(): void {
  const folder = join(TRIVY_CACHE, 'java-db');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'trivy-java.db'));
  database.exec(`CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
    CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT);`);
  database.close();
  const now = Date.now();
  const times = { UpdatedAt: new Date(now), DownloadedAt: new Date(now), NextUpdate: new Date(now + 30 * 86_400_000) };
  writeFileSync(join(folder, 'metadata.json'), JSON.stringify({ Version: 1, ...times }));
}

interface Found {
  readonly purl: string;
  readonly from: string;
}

/** Without qualifiers, with what types write in either case in lower case, and as the specification names Rust and Go. */
const plain = (purl: string): string =>
  decodeURIComponent(purl.replace(/\?.*$/, ''))
    .toLowerCase()
    .replace(/^pkg:rustbinary\//, 'pkg:cargo/')
    .replace(/^(pkg:golang\/.*@)v(?=\d)/, '$1');

function byTrivy(folder: string): readonly Found[] {
  const output = join(WORK, 'languages-trivy.json');
  emptyJavaDatabase();
  const offline = ['--offline-scan', '--skip-db-update', '--skip-java-db-update', '--cache-dir', TRIVY_CACHE];
  sh(TRIVY, 'image', '--quiet', ...offline, '--format', 'cyclonedx', '--output', output, '--input', folder);
  const { components } = JSON.parse(readFileSync(output, 'utf8')) as {
    components: readonly { purl?: string; properties?: readonly { name: string; value: string }[] }[];
  };
  return components.flatMap(({ purl, properties }) => {
    if (purl === undefined || /^pkg:(?:deb|rpm|apk)\//.test(purl)) return [];
    return [{ purl: plain(purl), from: properties?.find(({ name }) => name.endsWith(':FilePath'))?.value ?? '' }];
  });
}

interface Scanned {
  readonly purl: string;
  readonly owner?: string;
  readonly locations: readonly { readonly path: string }[];
}

function byHeraklit(reference: string): readonly (Found & { readonly owned: boolean })[] {
  const home = freshHome();
  const text = sh(process.execPath, HERAKLIT, '--home', home, 'scan', reference, '--format', 'json');
  rmSync(home, { recursive: true });
  return (JSON.parse(text) as { languagePackages: readonly Scanned[] }).languagePackages.map((item) => {
    return { purl: plain(item.purl), owned: item.owner !== undefined, from: item.locations[0]?.path ?? '' };
  });
}

/** Prints what either finds alone. @returns false when we miss anything */
export function compareImage(reference: string): boolean {
  const folder = reference.replace(/^oci:(.*):[^:]*$/, '$1');
  const [theirs, ours] = [byTrivy(folder), byHeraklit(reference)];
  const known = new Set(ours.map(({ purl }) => purl));
  const missed = theirs.filter(({ purl }) => !known.has(purl));
  const named = new Set(theirs.map(({ purl }) => purl));
  const own = ours.filter(({ owned }) => !owned);
  const more = own.filter(({ purl }) => !named.has(purl));
  const list = (title: string, items: readonly Found[]): void => {
    console.log(`${title}: ${items.length}`);
    for (const { purl, from } of items) console.log(`  ${purl}  ${from}`);
  };
  console.log(
    `trivy finds ${named.size}, we ${own.length} and ${ours.length - own.length} that packages of the distribution brought`,
  );
  list('found by trivy alone', missed);
  list('found by us alone', more);
  return missed.length === 0;
}
