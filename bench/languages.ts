/**
 * Packages of languages that trivy finds in an image and `heraklit scan` misses, and the other way round.
 *
 *     node bench/languages.ts [OCI-LAYOUT TAG]
 *
 * Without an image it makes one: Debian's packages of Python, Node, Ruby, PHP, R and Erlang, an npm project, and what pip
 * installs. Ends with code 1 when we miss anything. Needs `npm ci` in bench/, mmdebstrap, buildah, skopeo, python3 and an
 * npm registry. Java is left out: this trivy names jars only with a database that it would have to download.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { freshHome, HERAKLIT, imageOf, releaseRoot, sh, TRIVY, WORK } from './fixtures.ts';

const PACKAGES = [
  ...['python3-requests', 'python3-flask', 'python3-pip-whl', 'python3-setuptools-whl', 'npm', 'bundler', 'ruby-rack'],
  ...['composer', 'r-cran-jsonlite', 'libwww-perl', 'elixir', 'ca-certificates'],
];
const PROJECT = {
  name: 'project',
  version: '1.0.0',
  dependencies: { express: '4.18.2', '@babel/core': '7.24.0', alias: 'npm:semver@5.7.1' },
  devDependencies: { mocha: '10.3.0' },
};

/** The image as an OCI layout of one tag: this trivy takes a folder. */
function madeImage(): string {
  const base = releaseRoot('bookworm', PACKAGES);
  const file = join(WORK, 'languages.tar');
  if (!existsSync(file)) {
    const scratch = mkdtempSync(join(WORK, 'languages-'));
    const app = join(scratch, 'srv/app');
    mkdirSync(app, { recursive: true });
    writeFileSync(join(app, 'package.json'), JSON.stringify(PROJECT));
    sh('npm', '--prefix', app, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
    const wheels = join(scratch, 'wheels');
    mkdirSync(wheels);
    sh('tar', '-C', wheels, '--strip-components=4', '--wildcards', '-xf', base, './usr/share/python-wheels/*.whl');
    const files = readdirSync(wheels).map((name) => join(wheels, name));
    const pip = files.find((name) => name.includes('/pip-')) as string;
    const site = join(scratch, 'srv/site');
    sh('python3', `${pip}/pip`, 'install', '--quiet', '--no-index', '--no-deps', '--target', site, ...files);
    copyFileSync(base, `${file}.partial`);
    sh('tar', '-C', scratch, '-rf', `${file}.partial`, './srv');
    sh('tar', '--wildcards', '--delete', '-f', `${file}.partial`, '*.jar');
    sh('mv', `${file}.partial`, file);
    rmSync(scratch, { recursive: true });
  }
  return imageOf(file).layout;
}

interface Found {
  readonly purl: string;
  readonly from: string;
}

/** Without qualifiers, and with what types write in either case in lower case. */
const plain = (purl: string): string => decodeURIComponent(purl.replace(/\?.*$/, '')).toLowerCase();

function byTrivy(folder: string): readonly Found[] {
  const output = join(WORK, 'languages-trivy.json');
  const cache = join(WORK, 'languages-trivy-cache');
  const offline = ['--offline-scan', '--skip-db-update', '--skip-java-db-update', '--cache-dir', cache];
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

const [layout, tag = 'latest'] = process.argv.slice(2);
const reference = layout === undefined ? madeImage() : `oci:${layout}:${tag}`;
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
process.exitCode = missed.length > 0 ? 1 : 0;
