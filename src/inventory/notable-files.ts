import type { LayerEntry } from '../oci/index.ts';

/** Folders of programs, wherever they lie. */
const PROGRAMS = /(?:^|\/)s?bin\/[^/]+$/;
const LIBRARY = /\.(?:so(?:\.[^/]*)?|a|dll|dylib|jar|war|ear|whl|egg|gem|nupkg|node|pyd|wasm)$/;
const CONFIGURATION = /^(?:usr\/)?(?:local\/)?etc\//;
/** What package managers of languages leave or read, by its name. */
const MANIFESTS: ReadonlySet<string> = new Set([
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'METADATA',
  'PKG-INFO',
  'requirements.txt',
  'Pipfile.lock',
  'poetry.lock',
  'uv.lock',
  'pyproject.toml',
  'pom.xml',
  'pom.properties',
  'MANIFEST.MF',
  'go.mod',
  'go.sum',
  'Cargo.toml',
  'Cargo.lock',
  'Gemfile',
  'Gemfile.lock',
  'composer.json',
  'composer.lock',
  'mix.lock',
  'DESCRIPTION',
]);
const MANIFEST_ENDINGS = /\.(?:gemspec|deps\.json|csproj|nuspec)$/;

/** Any execute bit. */
const EXECUTABLE = 0o111;

/**
 * True for files people look for across a fleet: programs, libraries, configuration, language manifests. Of a Debian
 * system they are a third of all paths, of an application's modules a tenth: what documentation, locales and sources
 * a layer has is told by `heraklit diff` and `layers`, from the layer itself.
 */
export function isNotableFile(entry: Pick<LayerEntry, 'path' | 'type' | 'mode'>): boolean {
  const { path, type, mode } = entry;
  if (type !== 'file' && type !== 'hardlink' && type !== 'symlink') return false;
  if (type === 'file' && (mode & EXECUTABLE) !== 0) return true;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (
    MANIFESTS.has(name) ||
    LIBRARY.test(name) ||
    PROGRAMS.test(path) ||
    CONFIGURATION.test(path) ||
    MANIFEST_ENDINGS.test(name)
  );
}
