/**
 * Packages of languages that trivy finds in an image and `heraklit scan` misses, and the other way round.
 *
 *     node bench/languages.ts [OCI-LAYOUT TAG]
 *
 * Without an image it makes one: Debian's packages of Python, Node, Ruby, PHP, R and Erlang, an npm project, and what pip
 * installs. Ends with code 1 when we miss anything. Needs `npm ci` in bench/, mmdebstrap, buildah, skopeo, python3 and an
 * npm registry. Programs and jars stand in bench/programs.ts.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf, releaseRoot, sh, WORK } from './fixtures.ts';
import { compareImage } from './side-by-side.ts';

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
    sh('mv', `${file}.partial`, file);
    rmSync(scratch, { recursive: true });
  }
  return imageOf(file).layout;
}

const [layout, tag = 'latest'] = process.argv.slice(2);
if (!compareImage(layout === undefined ? madeImage() : `oci:${layout}:${tag}`)) process.exitCode = 1;
